"""Loggers: what a run leaves with each, read back; Weights & Biases offline, and the dashboard that names it."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pairs import SMALL
from sklearn.metrics import auc, roc_auc_score

from oresort import dashboard, train
from oresort.errors import InputError
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train as train_run
from oresort.learn.tracking import EpochLogger
from oresort.learn.wandb import curves, samples
from oresort.learn.wandb_parts import STEP, identity
from oresort.make import trust
from oresort.paths import CONF_DIR, choices
from oresort.tables.dashboard import BARS, CURVES, MEDIA


@cache
def records(file: Path) -> list[dict[str, Any]]:
    """What a finished run's file holds, by W&B's own reader."""
    words = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
    lines = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    return [json.loads(line) for line in lines]


def read_back(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"history": set(), "summary": {}, "config": {}, "artifacts": [], "files": []}
    for record in records(file):
        content = record.get(record["type"], {})
        if record["type"] == "run":
            found["run"] = content
        elif record["type"] == "history":
            found["history"] |= set(content["item"])
        elif record["type"] in ("summary", "config"):
            found[record["type"]] |= content.get("update", {})
        elif record["type"] == "artifact":
            found["artifacts"].append((content["type"], content["name"]))
        elif record["type"] == "files":
            found["files"] += [item["path"] for item in content["files"]]
        elif record["type"] == "exit":
            found["exit"] = content.get("exit_code", 0)
    return found


@pytest.fixture(scope="module")
def tracked(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Two rows of an experiment, tracked: by row."""
    folder = tmp_path_factory.mktemp("tracked")
    words = [
        "+experiment=ablation_fusion", "ablation/fusion=decision,hybrid", "seed=3", "logger=wandb",
        "recipe=default", f"data.root={dataset}", f"out={folder}",
        *[word for word in SMALL if "head" not in word],
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_SILENT", "true")
        patch.setattr(sys, "argv", ["oresort.train", *words])
        train.main()
    files = sorted(folder.rglob("run-*.wandb"))
    runs = [read_back(file) | {"folder": file.parents[2]} for file in files]
    return {run["run"]["job_type"]: run for run in runs}


def test_two_jobs_are_two_runs_of_one_group(tracked: dict[str, dict[str, Any]]):
    assert set(tracked) == {"decision level", "hybrid"}
    assert tracked["hybrid"]["run"]["run_id"] != tracked["decision level"]["run"]["run_id"]
    for row, run in tracked.items():
        assert run["run"]["run_group"] == "ablation_fusion"
        assert run["run"]["display_name"] == f"{row}-s3"
        assert run["run"]["tags"] == ["scale:full", "recipe:default"]
        assert run["exit"] == 0
        assert run["config"]["seed"] == 3
        own = json.loads((run["folder"] / "metrics.json").read_text())
        for key in ("test/auroc", "val/f1", "test/ece"):
            assert run["summary"][key] == pytest.approx(own[key])
    fusions = [run["config"]["model"]["fusion"]["_target_"].rpartition(".")[2] for run in tracked.values()]
    assert sorted(fusions) == ["Hybrid", "Mean"]


def test_a_run_holds_curves_tables_pairs_and_its_model(tracked: dict[str, dict[str, Any]]):
    run = tracked["hybrid"]
    for table in (
        "test/roc_table",
        "test/pr_table",
        "test/reliability_table",
        "test/confusion_table",
        "predictions",
    ):
        assert any(table in path for path in run["files"]), table
    (table,) = (path for path in run["files"] if path.startswith("media/table/predictions"))
    (file,) = run["folder"].rglob(Path(table).name)
    content = json.loads(file.read_text())
    own = pd.read_csv(run["folder"] / "predictions.csv")
    assert content["columns"] == list(own.columns)
    assert len(content["data"]) == len(own)
    assert any(path.startswith("media/images/test/pairs") for path in run["files"])
    assert ("model", f"model-{run['run']['run_id']}") in run["artifacts"]


@pytest.fixture(scope="module")
def parts(dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two parts, stopped while it trained, that was moved to another folder afterwards."""
    folder = tmp_path_factory.mktemp("parts") / "run"
    words = [f"data.root={dataset}", "logger=wandb", "trainer.max_epochs=4", "logger.wandb.id=mine-1"]
    cfg = compose_train(*words, "logger.wandb.name=first try", "logger.wandb.notes=of two parts")
    plain = EpochLogger.log_metrics
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")

        def stopping(self: EpochLogger, metrics: dict[str, float], step: int | None = None) -> None:
            plain(self, metrics, step)
            if metrics.get("epoch") == 2 and "val/auroc" in metrics:
                raise KeyboardInterrupt

        patch.setattr(EpochLogger, "log_metrics", stopping)
        with pytest.raises(KeyboardInterrupt):
            train_run(cfg, folder)
        patch.undo()
        patch.setenv("WANDB_MODE", "offline")
        train_run(cfg, folder)
    return folder.rename(folder.parent / "moved")


def rows_of(part: Path) -> list[dict[str, Any]]:
    (file,) = part.glob("run-mine-1.wandb")
    return [found["history"]["item"] for found in records(file) if found["type"] == "history"]


def test_the_parts_of_a_run_that_went_on_are_one_course(parts: Path):
    first, second = sorted((parts / "wandb").glob("offline-run-*"))
    both = [rows_of(first), rows_of(second)]
    assert all(len(rows) > 1 for rows in both)
    rows = both[0] + both[1]
    steps = [row["_step"] for row in rows]
    assert steps == sorted(set(steps))
    known = pd.read_csv(parts / "metrics.csv")
    for name in ("val/auroc", "train/loss", "lr"):
        told = [(row["epoch"], row[name]) for row in rows if name in row and "epoch" in row]
        assert [epoch for epoch, _ in told] == [0, 1, 2, 3]
        assert [value for _, value in told] == pytest.approx(known[name].tolist())
    assert [row[STEP] for row in rows if STEP in row] == sorted(row[STEP] for row in rows if STEP in row)
    for part in (first, second):
        run = read_back(next(part.glob("run-*.wandb")))["run"]
        assert (run["run_id"], run["display_name"], run["notes"]) == ("mine-1", "first try", "of two parts")


def test_a_moved_run_still_has_all_that_it_names(parts: Path):
    assert not [file for file in (parts / "wandb").rglob("*") if file.is_symlink()]
    named = []
    for part in (parts / "wandb").glob("offline-run-*"):
        (file,) = part.glob("run-*.wandb")
        for record in records(file):
            if record["type"] == "artifact":
                named += [entry["local_path"] for entry in record["artifact"]["manifest"]["contents"]]
            elif record["type"] == "files":
                named += [str((part / "files" / one["path"]).relative_to(parts)) for one in record["files"]["files"]]
    assert len(named) > 5
    for name in named:
        assert not Path(name).is_absolute()
        assert (parts / name).is_file(), name


def test_an_id_is_of_one_run(parts: Path, tmp_path: Path):
    with pytest.raises(InputError, match="is mine-1; leave it out"):
        identity(parts / "wandb", "other")
    identity(tmp_path / "a" / "wandb", "shared")
    assert identity(tmp_path / "a" / "wandb", None) == "shared"
    with pytest.raises(InputError, match=r"is the run in .*a; give each run its own"):
        identity(tmp_path / "b" / "wandb", "shared")
    with pytest.raises(InputError, match="give up to 64 letters"):
        identity(tmp_path / "c" / "wandb", "a/b")


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("logger.notes=x", r"logger\.notes=x: .* such as logger\.wandb\.notes=x"),
        ("at_once=[1,2]", r"logger=wandb: tracks one run a process; .* seed=1,2"),
        ("logger.wandb.mode=on", r"logger\.wandb\.mode=on: known are offline, online"),
    ],
)
def test_what_cannot_be_tracked_is_refused(word: str, says: str, command: Any, dataset: Path, tmp_path: Path):
    code, _, err = command(train, *SMALL, f"data.root={dataset}", "logger=wandb", word, f"out={tmp_path}/run")
    assert code == 1
    assert re.search(says, err.replace("\n", " "))
    assert not list(tmp_path.rglob("run-*.wandb"))


def names_in(node: Any) -> set[str]:
    """All metric names in a dashboard's specification."""
    if isinstance(node, dict):
        found = set().union(*(names_in(value) for value in node.values()))
        for key in ("metrics", "mediaKeys"):
            found |= set(node.get(key, []))
        return found | ({node["xAxis"]} if "metrics" in node and "xAxis" in node else set())
    return set().union(*(names_in(item) for item in node)) if isinstance(node, list) else set()


def test_every_metric_of_the_dashboard_is_logged(command: Any, tracked: dict[str, dict[str, Any]], tmp_path: Path):
    file = tmp_path / "dashboard.json"
    code, _, err = command(dashboard, "entity=somebody", f"out={file}")
    assert code == 0, err
    named = names_in(json.loads(file.read_text()))
    assert named >= {*BARS, *MEDIA, *(key for keys in CURVES.values() for key in keys)}
    for run in tracked.values():
        logged = {key.split("._")[0].split(".captions")[0] for key in (*run["history"], *run["summary"])}
        media = {key for key in MEDIA if any(f"media/images/{key}" in path for path in run["files"])}
        assert named <= logged | media


def test_the_sweep_file_drives_train(compose_train: Callable[..., TrainConfig]):
    content = yaml.safe_load((CONF_DIR.parent / "docs" / "wandb_sweep.yaml").read_text())
    assert content["command"][2:4] == ["-m", "oresort.train"]
    fixed = [word for word in content["command"] if "=" in word and "$" not in word]
    assert "hydra.mode=RUN" in fixed
    assert content["command"][-1] == "${args_no_hyphens}"  # key=value, as Hydra takes it
    words = [
        f"{key}={spec['values'][-1] if 'values' in spec else spec['min']}"
        for key, spec in content["parameters"].items()
    ]
    cfg = compose_train(*words, *(word for word in fixed if not word.startswith("hydra")), small=False)
    assert cfg.optim["lr"] == content["parameters"]["optim.lr"]["min"]
    assert cfg.model.fusion["_target_"].endswith("MMTM")
    assert cfg.logger["wandb"]["mode"] == "online"
    assert content["metric"]["name"] in CURVES["Learning"]


def from_csv(folder: Path) -> dict[str, float]:
    table = pd.read_csv(next(folder.rglob("metrics.csv")))
    return {key: float(table[key].dropna().iloc[-1]) for key in table if table[key].notna().any()}


def from_tensorboard(folder: Path) -> dict[str, float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = {}
    for file in sorted(folder.rglob("events.*")):
        events = EventAccumulator(str(file))
        events.Reload()
        found |= {key: events.Scalars(key)[-1].value for key in events.Tags()["scalars"]}
    return found


def from_mlflow(folder: Path) -> dict[str, float]:
    (run,) = folder.glob("*/*/metrics")
    files = [file for file in run.rglob("*") if file.is_file()]
    return {file.relative_to(run).as_posix(): float(file.read_text().split()[-2]) for file in files}


READ = {"csv": from_csv, "tensorboard": from_tensorboard, "mlflow": from_mlflow}


@pytest.mark.parametrize("name", [name for name in choices("logger") if name != "wandb"])
def test_a_logger_holds_every_epoch_and_the_final_figures(
    name: str, dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path: Path
):
    if name == "mlflow" and find_spec("mlflow") is None:
        pytest.skip("mlflow is not installed; it comes with the extra `loggers`")
    if name == "tensorboard" and find_spec("tensorboard") is None:
        pytest.skip("tensorboard is not installed; it comes with the extra `loggers`")
    cfg = compose_train(f"data.root={dataset}", f"logger={name}", "callbacks=lr_monitor")
    row = train_run(cfg, tmp_path)
    found = READ[name](tmp_path / name)
    for key in ("test/auroc", "val/f1", "test/ece"):
        assert found[key] == pytest.approx(row[key], rel=1e-4)
    assert "train/loss" in found
    assert any(key.startswith("lr-") for key in found)  # of lr_monitor


def test_several_loggers_of_ones_own_and_ours(
    dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "my_loggers.py").write_text(
        "from lightning.pytorch.loggers import CSVLogger\n"
        "from oresort.learn.tracking import ResultLogger\n"
        "class Mine(ResultLogger, CSVLogger):\n"
        "    seen = {}\n"
        "    def summarise(self, figures):\n        self.seen['figures'] = dict(figures)\n"
        "    def show(self, predictions, threshold, pictures, ckpt):\n"
        "        self.seen['pairs'] = len(predictions)\n        assert ckpt.is_file()\n"
        "    def close(self, failed):\n        self.seen['failed'] = failed\n"
    )
    (tmp_path / "conf" / "logger").mkdir(parents=True)
    (tmp_path / "conf" / "logger" / "mine.yaml").write_text("# Mine.\nmine:\n  _target_: my_loggers.Mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    trust("my_loggers")
    words = ["logger=[csv,mine]", f"hydra.searchpath=[{tmp_path / 'conf'}]"]
    cfg = compose_train(f"data.root={dataset}", *words)
    row = train_run(cfg, tmp_path / "run")
    from my_loggers import Mine

    assert Mine.seen["figures"]["test/auroc"] == row["test/auroc"]
    assert Mine.seen["pairs"] == row["pairs/val"] + row["pairs/test"]
    assert Mine.seen["failed"] is False
    assert (tmp_path / "run" / "mine").is_dir()
    assert from_csv(tmp_path / "run" / "csv")["test/auroc"] == pytest.approx(row["test/auroc"])


def test_curves_are_those_of_the_probabilities():
    rng = np.random.default_rng(0)
    ore = rng.random(500) < 0.6
    p_ore = np.clip(0.2 * ore + rng.random(500).round(2), 0, 1)  # with ties
    found = curves(ore, p_ore)
    roc = found["roc"][1]
    assert auc(roc["false_ore"], roc["recall"]) == pytest.approx(roc_auc_score(ore, p_ore), abs=1e-3)
    first = found["pr"][1].iloc[0]  # at the lowest threshold all is called ore
    assert (first["recall"], first["precision"]) == (1, pytest.approx(ore.mean()))
    few = curves(np.array([False, True, True, True]), np.array([0.01, 0.03, 0.95, 1.0]))["reliability"][1]
    assert few["share_ore"].tolist() == [0.5, 1.0]
    assert few["p_ore"].tolist() == pytest.approx([0.02, 0.975])
    assert curves(np.ones(3, bool), np.ones(3)) == {}


def test_samples_are_the_surest_of_each_kind():
    test = pd.DataFrame(
        {
            "id": list("abcdefg"),
            "label": ["ore"] * 6 + ["waste"],
            "p_ore": [0.9, 0.8, 0.7, 0.6, 0.55, 0.1, 0.95],
        }
    )
    shown = samples(test, 0.5)
    assert shown.groupby("kind")["id"].apply(lambda ids: sorted(ids)).to_dict() == {
        "rightly called ore": ["a", "b", "c", "d"], "wrongly called ore": ["g"], "wrongly called waste": ["f"],
    }  # fmt: skip
