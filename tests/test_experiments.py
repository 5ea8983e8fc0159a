"""Every experiment of conf/experiment: composes, has the jobs it says, differs where it says, and runs."""

import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf
from pairs import SMALL, write_image, write_released

from oresort import report, train
from oresort.console.compose import register
from oresort.errors import InputError
from oresort.files.image import read_image
from oresort.files.record import flatten
from oresort.learn import job
from oresort.learn.config import TrainConfig
from oresort.learn.losses import Loss
from oresort.learn.run import folder_name
from oresort.learn.schedule import build_optimizer
from oresort.learn.sweep import register_resolvers, swept
from oresort.make import make
from oresort.paths import CONF_DIR, choices

EXPERIMENTS = choices("experiment")


@contextmanager
def composing() -> Iterator[None]:
    register("train", TrainConfig)
    register_resolvers()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        yield


@cache
def jobs(name: str, *words: str) -> list[list[str]]:
    """The words of each job that `+experiment=name` starts."""
    with composing():
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        config = hydra.compose_config("train", [f"+experiment={name}", *words], run_mode=RunMode.MULTIRUN)
        moved = [[f"{key}={value}" for value in values] for key, values in swept(config).items()]
        fixed = [word for word in words if not any(word.startswith(f"{key}=") for key in swept(config))]
    return [[f"+experiment={name}", *fixed, *job] for job in itertools.product(*moved)]


def composed(*jobs: list[str]) -> list[TrainConfig]:
    with composing():
        return [OmegaConf.to_object(compose("train", words)) for words in jobs]  # type: ignore[misc]


def composed_by_rows(jobs: list[list[str]]) -> list[TrainConfig]:
    """Each job's configuration: a row's first seed is composed, and two more of one row; the others differ by it."""
    first: dict[tuple[str, ...], TrainConfig] = {}
    found = []
    for words in jobs:
        seed = next((word.removeprefix("seed=") for word in words if word.startswith("seed=")), None)
        row = tuple(word for word in words if not word.startswith("seed="))
        if row not in first:
            (first[row],) = composed(words)
        found.append(first[row] if seed is None else replace(first[row], seed=int(seed)))
    of_one_row = [number for number, words in enumerate(jobs) if set(min(first)) <= set(words)][-2:]
    assert composed(*(jobs[number] for number in of_one_row)) == [found[number] for number in of_one_row]
    return found


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_has_the_jobs_that_its_header_says(name: str):
    header = text_of(name)
    words = jobs(name)
    configurations = composed_by_rows(words)
    assert len({folder_name(asdict(cfg), "pairs") for cfg in configurations}) == len(words)
    assert {cfg.name for cfg in configurations} == {name}
    rows, seeds = {cfg.row for cfg in configurations}, {cfg.seed for cfg in configurations}
    said = re.search(r"(\d+) jobs?(?:: (\d+) rows? x (\d+) seeds?)?", header)
    if said is None:  # a row for each file of a group: nobody counts them by hand
        (group,) = re.findall(r"(\S+): glob\(\*\)", header)
        assert f"{len(seeds)} seeds a row" in header
        assert len(rows) == len(list((CONF_DIR / group).glob("*.yaml")))
    else:
        assert len(words) == int(said[1])
    if said is None or said[2]:
        assert len(words) == len(rows) * len(seeds)
        assert said is None or (len(rows), len(seeds)) == (int(said[2]), int(said[3]))
        assert configurations[0].reference in rows
        assert "pairs a job" in header, "the header says what a job costs"


def text_of(name: str) -> str:
    return (CONF_DIR / "experiment" / f"{name}.yaml").read_text()


def keys_named(row_file: Path) -> list[str]:
    """The configuration keys that a row's file sets, by itself, by another file or by choosing one of a group."""
    content = yaml.safe_load(row_file.read_text())
    named = []
    for entry in content.pop("defaults", []):
        if isinstance(entry, str):
            named += keys_named((row_file.parent / f"{entry}.yaml").resolve())
        else:
            named.append(next(iter(entry)).removeprefix("override /").replace("/", "."))
    return [*named, *flatten(content)]


@pytest.mark.parametrize("group", sorted(path.name for path in (CONF_DIR / "ablation").iterdir() if path.is_dir()))
# best is lite but for its widths, as a test below says
@pytest.mark.parametrize("recipe", [name for name in choices("recipe") if name != "best"])
def test_a_row_differs_from_the_reference_in_what_it_names_alone(group: str, recipe: str):
    folder = CONF_DIR / "ablation" / group
    experiment = next(e for e in EXPERIMENTS if f"/ablation/{group}" in text_of(e))
    flat = {}
    with composing():
        for file in sorted(folder.glob("*.yaml")):
            choice = f"ablation/{group}={file.stem}"
            cfg = compose("train", [f"+experiment={experiment}", choice, f"recipe={recipe}"])
            flat[file] = flatten(OmegaConf.to_container(cfg, resolve=True))
    reference = next(file for file, content in flat.items() if content["row"] == content["reference"])
    for file, content in flat.items():
        allowed = {*keys_named(file), *keys_named(reference)}
        for key in content.keys() | flat[reference].keys():
            if content.get(key) != flat[reference].get(key):
                assert any(key.startswith(a) for a in allowed), f"{file.stem}: {key}"
        if file != reference:
            assert {k: v for k, v in content.items() if k != "row"} != {
                k: v for k, v in flat[reference].items() if k != "row"
            }, f"{file.stem} is the reference under another name"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_first_job_of_an_experiment_runs(command: Any, dataset: Path, tmp_path: Path, name: str):
    first = [word for word in jobs(name)[0] if "experiment=" not in word]
    # images of half the size, and few: the networks are those of the table, and cost an eighth
    small = ("trainer=smoke", "scale=cpu", "representation.size=32", "data.batch_size=8")
    words = (f"+experiment={name}", *first, "hydra.mode=RUN", *small, f"out={tmp_path}")
    few = ["data.folds=4"] if name == "crossval" else []  # of waste there are four scans
    code, _, err = command(train, *words, *few, f"data.root={dataset}", "trainer.max_epochs=1")
    assert code == 0, err
    row = json.loads((tmp_path / "metrics.json").read_text())
    assert row["status"] == "finished"
    assert row["config.scale.name"] == "cpu"


def test_a_failing_job_is_listed_and_the_same_sweep_runs_only_what_is_missing(
    command: Any, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    broken = {0}
    real = job.train

    def sometimes(cfg: TrainConfig, *rest: Any) -> dict[str, Any]:
        if cfg.seed in broken:
            raise InputError("the device is on fire; put it out")
        return real(cfg, *rest)

    monkeypatch.setattr(job, "train", sometimes)
    words = ("-m", f"data.root={dataset}", f"out={tmp_path}", "seed=0,1", *SMALL)
    code, out, err = command(train, *words)
    assert code == 1
    assert "1 job without a result" in err
    assert "on fire" in out
    (second,) = tmp_path.glob("train-s1-*/metrics.json")
    before = second.read_bytes(), second.stat().st_mtime_ns
    _, out, _ = command(report, f"runs={tmp_path}")
    assert "on fire" in out
    assert "on fire" in (tmp_path / "report.md").read_text()

    broken.clear()
    code, out, err = command(train, *words)
    assert code == 0, err
    assert "train, seed 1: finished earlier" in err
    assert (second.read_bytes(), second.stat().st_mtime_ns) == before
    assert len(list(tmp_path.glob("train-s0-*/checkpoints/best.ckpt"))) == 1


def test_a_finished_job_whose_dataset_has_changed_is_not_taken_for_done(command: Any, tmp_path: Path):
    data = write_released(tmp_path / "data")
    words = ("-m", f"data.root={data}", f"out={tmp_path / 'runs'}", "seed=0", *SMALL)
    assert command(train, *words)[0] == 0
    moved = shutil.move(data, tmp_path / "elsewhere")
    code, _, err = command(train, *[word.replace(str(data), str(moved)) for word in words])
    assert code == 0, err
    assert "finished earlier" in err  # the same pairs at another place
    assert "warning" not in err
    image = next(moved.rglob("low.tiff"))
    write_image(image, np.roll(read_image(image), 1, axis=1))  # under the same name
    code, _, err = command(train, *[word.replace(str(data), str(moved)) for word in words])
    assert code == 0, err
    assert "seed 0: finished earlier" not in err
    folders = sorted((tmp_path / "runs").glob("train-s0-*"))
    assert len(folders) == 2
    code, _, err = command(train, f"data.root={moved}", f"out={folders[0]}", "seed=0", *SMALL)
    code_too, _, err_too = command(train, f"data.root={moved}", f"out={folders[1]}", "seed=0", *SMALL)
    assert sorted([code, code_too]) == [0, 1]
    assert "(other images under the same names)" in err + err_too


def test_a_word_on_the_command_line_replaces_that_of_the_experiment():
    words = jobs("ablation_fusion", "seed=5", "ablation/fusion=data,hybrid")
    assert [sorted(w for w in job if "experiment" not in w) for job in words] == [
        ["ablation/fusion=data", "seed=5"], ["ablation/fusion=hybrid", "seed=5"],
    ]  # fmt: skip


def test_the_papers_recipe_reaches_every_head(compose_train: Callable[..., TrainConfig]):
    for head in ("kan", "kan2", "kan4"):
        kan = compose_train("recipe=paper", f"model/head={head}", small=False)
        assert (kan.model.head["init"], kan.model.head["norm"]) == ("paper", False)
    assert (kan.threshold, kan.monitor) == (0.5, "f1")
    assert "Standardized" in kan.representation["_target_"]
    mlp = compose_train("recipe=paper", "model/head=mlp", small=False)
    assert set(mlp.model.head) == {"_target_", "widths"}


def test_recipes_say_how_long_they_train(compose_train: Callable[..., TrainConfig]):
    epochs = {name: compose_train(f"recipe={name}", small=False).trainer["max_epochs"] for name in choices("recipe")}
    assert epochs["default"] == epochs["paper"] == 200  # the paper's
    assert epochs["best"] == epochs["lite"] < 50
    assert compose_train("recipe=lite", "scale=cpu", small=False).trainer["max_epochs"] == 8


def test_best_differs_from_lite_in_its_widths_alone(compose_train: Callable[..., TrainConfig]):
    lite, best = (compose_train(f"recipe={name}", small=False) for name in ("lite", "best"))
    assert all(wide > width for wide, width in zip(best.model.tower["widths"], lite.model.tower["widths"], strict=True))
    assert best.model.tower | {"widths": lite.model.tower["widths"]} == lite.model.tower
    for key in ("optim", "schedule", "callbacks", "objective", "representation", "augment", "data"):
        assert getattr(lite, key) == getattr(best, key)


@pytest.mark.parametrize("experiment", [(), ("+experiment=ablation_fusion", "ablation/fusion=feature")])
@pytest.mark.parametrize("recipe", choices("recipe"))
def test_a_word_of_the_command_line_wins_over_a_recipe(
    compose_train: Callable[..., TrainConfig], recipe: str, experiment: tuple[str, ...]
):
    words = (
        "representation=attenuation",
        "model/tower=timm",
        "model.tower.name=resnet18",
        "model/head=mlp4",
        "optim.lr=0.5",
        "monitor=f1",
    )
    cfg = compose_train(*experiment, f"recipe={recipe}", *words, small=False)
    assert cfg.recipe.name == recipe
    assert cfg.representation["_target_"].endswith("Attenuation")
    assert cfg.model.tower["_target_"].endswith("TimmTower")
    assert cfg.model.fusion["_target_"].endswith(
        "Concat" if experiment else "Stack" if recipe in ("lite", "best") else "Hybrid"
    )
    assert (cfg.optim["lr"], cfg.monitor) == (0.5, "f1")


def test_any_basis_goes_with_a_kan_head(compose_train: Callable[..., TrainConfig]):
    for head, basis in zip(itertools.cycle(("kan", "kan2", "kan4")), choices("model/head/basis"), strict=False):
        cfg = compose_train(f"model/head={head}", f"model/head/basis={basis}", small=False)
        assert len(cfg.model.head["widths"]) == {"kan": 5, "kan2": 1, "kan4": 3}[head]
        assert cfg.model.head["basis"]["_target_"].lower().endswith(f".{basis}")


@pytest.mark.parametrize("recipe", choices("recipe"))
def test_any_loss_optimiser_and_schedule_goes_with_a_recipe(compose_train: Callable[..., TrainConfig], recipe: str):
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    losses, optims, schedules = (choices(group) for group in ("objective/loss", "optim", "schedule"))
    parts: dict[str, list[dict[str, Any]]] = {"optim": [], "schedule": []}
    for number in range(max(map(len, (losses, optims, schedules)))):
        loss, optim, schedule = (names[number % len(names)] for names in (losses, optims, schedules))
        words = (f"objective/loss={loss}", f"optim={optim}", f"schedule={schedule}")
        cfg = compose_train(f"recipe={recipe}", *words, small=False)
        assert make(cfg.objective["loss"], Loss)
        # a recipe's rate is that of its own optimiser, and no schedule changes it
        assert cfg.optim == compose_train(f"optim={optim}", small=False).optim
        assert cfg.schedule == compose_train(f"schedule={schedule}", small=False).schedule
        parts["optim"].append(cfg.optim)
        parts["schedule"].append(cfg.schedule)
    for optimiser, course in itertools.product(parts["optim"], parts["schedule"]):
        assert build_optimizer(optimiser, course, [weight], steps=10)
