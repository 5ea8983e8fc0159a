"""Weights & Biases offline: what two jobs of an experiment leave, read back, and the dashboard that names it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pairs import SMALL
from sklearn.metrics import auc, roc_auc_score

from oresort import dashboard, train
from oresort.learn.config import TrainConfig
from oresort.learn.panels import pr_curve, reliability, roc_curve, samples
from oresort.paths import CONF_DIR
from oresort.tables.dashboard import BARS, CURVES, MEDIA


def read_back(file: Path) -> dict[str, Any]:
    """What a run's file holds, by W&B's own reader."""
    words = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
    lines = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    found: dict[str, Any] = {"history": set(), "summary": {}, "config": {}, "artifacts": [], "files": []}
    for record in map(json.loads, lines):
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


def names_in(node: Any) -> set[str]:
    """All metric names in a dashboard's specification."""
    if isinstance(node, dict):
        found = set().union(*(names_in(value) for value in node.values()))
        for key in ("metrics", "mediaKeys"):
            found |= set(node.get(key, []))
        return found | ({node["xAxis"]} if "metrics" in node and "xAxis" in node else set())
    return set().union(*(names_in(item) for item in node)) if isinstance(node, list) else set()


def test_every_metric_of_the_dashboard_is_logged(
    command: Any, tracked: dict[str, dict[str, Any]], tmp_path: Path
):
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
    from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

    content = yaml.safe_load((CONF_DIR.parent / "docs" / "wandb_sweep.yaml").read_text())
    assert content["command"][2:4] == ["-m", "oresort.train"]
    fixed = [word for word in content["command"] if "=" in word and "$" not in word]
    assert "hydra.mode=RUN" in fixed
    chosen = {
        key: {"value": spec["values"][-1] if "values" in spec else spec["min"]}
        for key, spec in content["parameters"].items()
    }
    words = create_sweep_command_args({"args": chosen})["args_no_hyphens"]
    cfg = compose_train(*words, *(word for word in fixed if not word.startswith("hydra")), small=False)
    assert cfg.optim.lr == content["parameters"]["optim.lr"]["min"]
    assert cfg.model.fusion["_target_"].endswith("MMTM")
    assert content["metric"]["name"] in CURVES["Learning"]


def test_curves_are_those_of_the_probabilities():
    rng = np.random.default_rng(0)
    ore = rng.random(500) < 0.6
    p_ore = np.clip(0.2 * ore + rng.random(500).round(2), 0, 1)  # with ties
    curve = roc_curve(ore, p_ore)
    area = auc([0, *curve["false_ore"]], [0, *curve["recall"]])
    assert area == pytest.approx(roc_auc_score(ore, p_ore), abs=1e-3)
    last = pr_curve(ore, p_ore).iloc[-1]
    assert (last["recall"], last["precision"]) == (1, pytest.approx(ore.mean()))
    bins = reliability(np.array([False, True, True, True]), np.array([0.01, 0.03, 0.95, 1.0]))
    assert bins["share_ore"].tolist() == [0.5, 1.0]
    assert bins["p_ore"].tolist() == pytest.approx([0.02, 0.975])
    assert bins["pairs"].tolist() == [2, 2]


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
