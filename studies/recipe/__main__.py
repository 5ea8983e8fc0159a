"""Which network and training are best for the job? A search at equal pairs, scored on many more than it trains on.

    python -m studies.recipe data=data/paper work=runs/recipe

`data` is a dataset of `oresort.simulate preset=paper seed=100`. Every setting trains on the same 2,800 pairs of it and
is scored, by the weights of its last epoch, on all validation pairs. Finished settings in `work` are not trained again,
so the study may be interrupted. It writes `search.csv`, `settings.csv` (the words of each) and `search.png`.
"""

import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from omegaconf import MISSING

from oresort.console.progress import track
from oresort.data.cache import Cached, cached_planes
from oresort.data.index import index_pairs
from oresort.data.settings import DataConfig
from oresort.errors import InputError
from oresort.files.reading import read_json
from oresort.files.write import write_json
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.metrics import binary_metrics
from oresort.learn.run import finished
from oresort.learn.trained import Trained
from oresort.make import trust
from oresort.models.build import build_model
from oresort.models.heads.head import p_ore
from oresort.models.inputs import Inputs
from studies.command import compose, run_study, save
from studies.recipe.figures import draw_search
from studies.recipe.macs import macs
from studies.recipe.settings import SETTINGS, TEACHER, TEACHERS

PAIRS = 4000  # of which 70 % train


@dataclass
class Options:
    """Keys of the command."""

    data: Path = MISSING  # the dataset's folder
    work: Path = MISSING  # folder of runs and prepared pairs
    out: Path = Path("experiments/recipe")  # folder for tables and figure
    seeds: list[int] = field(default_factory=lambda: [0])  # of the trainings
    groups: list[str] = field(default_factory=list)  # of settings; empty: all
    precision: str = "bf16-mixed"  # of the trainings; 32-true where the processor has no bfloat16
    collect: bool = False  # train nothing; tabulate what is there
    part: list[int] = field(default_factory=lambda: [0, 1])  # [1,3]: the second of three processes that share the work


def search(options: Options) -> pd.DataFrame:
    """Train what is missing; return a row a setting. Tables and figure are written after every training."""
    if unknown := set(options.groups) - set(SETTINGS):
        raise InputError(f"groups: unknown {min(unknown)!r}; known are {', '.join(SETTINGS)}")
    for module in ("parts", "starts", "teach"):
        trust(f"studies.recipe.{module}")
    torch.set_num_threads(1)  # so that processor time is comparable, and two settings train side by side
    rows, number = [], 0
    for seed in options.seeds:
        for group, settings in SETTINGS.items():
            for name, words in settings.items():
                number += 1
                file = options.work / f"{group} - {name} - {seed}.json".replace(",", "")
                own = not options.groups or group in options.groups
                own = own and not options.collect and number % options.part[1] == options.part[0]
                new = own and not file.is_file()
                if new:
                    write_json(file, measure(options, words, seed))
                if file.is_file():
                    rows.append({"group": group, "setting": name, "seed": seed, **read_json(file, "remove it")})
                if new:
                    _write(options.out, rows)
    if not rows:
        raise InputError(f"{options.work}: nothing finished to collect; leave collect out")
    table = _write(options.out, rows)
    words_of = [
        {"group": group, "setting": name, "words": " ".join(words)}
        for group, settings in SETTINGS.items()
        for name, words in settings.items()
    ]
    save(options.out, {"settings.csv": pd.DataFrame(words_of)})
    return table


def _write(out: Path, rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = summarised(pd.DataFrame(rows))
    save(out, {"search.csv": table, "search.png": draw_search(table)}, "%.4g")
    return table


def measure(options: Options, words: tuple[str, ...], seed: int) -> dict[str, float]:
    """Train one setting; return AUROC in per cent, processor seconds of training, pairs a second, size and work."""
    folder, cache = options.work / f"run{options.part[0]}", options.work / "cache"
    shutil.rmtree(folder, ignore_errors=True)
    if any(TEACHERS in word for word in words):
        words = tuple(word.replace(TEACHERS, str(taught(options))) for word in words)
    start = time.process_time()
    row = train(_composed(options, words, seed), folder)
    seconds = time.process_time() - start
    trained = load_trained(folder / "checkpoints" / "last.ckpt")
    figures = {"auroc": 100 * scored(trained, options.data, cache), "cpu_seconds": seconds}
    pairs = row["pairs/train"] * row["epochs"] / row["fit_seconds"]
    cfg = _composed(options, words, seed)
    return figures | {"pairs_per_second": pairs, "params": row["params"], "macs_M": work_of(cfg, trained) / 1e6}


def taught(options: Options) -> Path:
    """Train the teachers that are not there yet, on other seeds than the search's; return the folder of their runs."""
    folder = (options.work / "teachers").resolve()
    for seed in track(range(100, 104), 4, "teachers"):
        if not finished(folder / str(seed)):
            shutil.rmtree(folder / str(seed), ignore_errors=True)  # of an interrupted run
            train(_composed(options, TEACHER, seed), folder / str(seed))
    return folder


def _composed(options: Options, words: tuple[str, ...], seed: int) -> TrainConfig:
    return compose(
        *words, f"data.root={options.data}", f"data.cache={options.work / 'cache'}", f"data.limit={PAIRS}",
        f"seed={seed}", f"trainer.precision={options.precision}", "trainer.enable_progress_bar=false",
    )  # fmt: skip


def scored(trained: Trained, root: Path, cache: Path) -> float:
    """Return the AUROC of a model on all validation pairs of a dataset."""
    frame = index_pairs(DataConfig(root=str(root)))
    frame = frame[frame["split"] == "val"].reset_index(drop=True)
    planes = Cached(*cached_planes(frame, root, trained.representation, cache)).planes
    module, inputs, answers = trained.module, Inputs(trained.representation), []
    with torch.inference_mode():
        for start in track(range(0, len(planes), 256), -(-len(planes) // 256), "scoring"):
            images = inputs(torch.from_numpy(planes[start : start + 256].copy()))
            answers.append(p_ore(module(*images), module.temperature))
    return binary_metrics(torch.cat(answers), torch.tensor(frame["label"].tolist()), 0.5)["auroc"]


def work_of(cfg: TrainConfig, trained: Trained) -> float:
    """Return the multiplications of a pair, of all convolutions and linear layers."""
    facts = trained.representation
    return macs(build_model({**asdict(cfg.model), "channels": facts.channels}), facts.channels, facts.size)


def summarised(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a setting: means over seeds, the deviation of the AUROC over them, and how many there are."""
    groups = rows.groupby(["group", "setting"], sort=False)
    means = groups.mean(numeric_only=True).drop(columns="seed")
    return means.assign(auroc_std=groups["auroc"].std(), seeds=groups.size()).reset_index()


if __name__ == "__main__":
    run_study(Options, search)
