"""Classical sorters as a user runs them: the command, the run folder, one table with the networks."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pairs import write_image

from oresort import report
from oresort.classic import __main__ as classic
from oresort.errors import InputError
from oresort.learn.classic import Crops
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.metrics import binary_metrics
from oresort.paths import CONF_DIR
from oresort.sorting import METRICS
from oresort.tables.collect import collect
from oresort.tables.summary import summarise

METHODS = sorted(path.stem for path in (CONF_DIR / "method").glob("*.yaml"))


@pytest.mark.parametrize("method", METHODS)
def test_a_run_folder_as_a_network_leaves_it(command: Any, dataset: Path, trained: Path, tmp_path: Path, method: str):
    code, out, err = command(classic, f"data.root={dataset}", f"out={tmp_path}", f"method={method}")
    assert code == 0, err
    assert "auroc" in out
    files = {"config.yaml", "provenance.json", "metrics.json", "predictions.csv"}
    learner = method in ("gradient_boosting", "svm")
    files |= {"importances.csv"} if learner else set()
    assert {path.name for path in tmp_path.iterdir()} == files
    row = json.loads((tmp_path / "metrics.json").read_text())
    assert row["status"] == "finished"
    assert row["test/auroc"] > 0.9
    ours, network = (pd.read_csv(run / "predictions.csv") for run in (tmp_path, trained))
    # the same pairs on the same sides
    key = ["split", "id", "label"]
    assert ours[key].sort_values(key).to_numpy().tolist() == network[key].sort_values(key).to_numpy().tolist()
    test = ours[ours["split"] == "test"]
    label = torch.tensor((test["label"] == "ore").astype(int).to_numpy())
    again = binary_metrics(torch.tensor(test["p_ore"].to_numpy()), label, row["threshold"])
    assert [again[m] for m in METRICS] == pytest.approx([row[f"test/{m}"] for m in METRICS], abs=1e-5)
    # a table knows it, though trees have no fixed count of numbers
    assert summarise(collect(tmp_path)).table["auroc_mean"].tolist() == [row["test/auroc"]]
    assert command(report, f"runs={tmp_path}")[0] == 0


def test_networks_and_methods_share_one_table(
    command: Any, dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path: Path
):
    words = (f"data.root={dataset}", f"out={tmp_path}/b", "method=r_value,two_thresholds", "seed=0,1")
    code, _, err = command(classic, "-m", *words)
    assert code == 0, err
    for fusion in ("hybrid", "low"):
        train(compose_train(f"data.root={dataset}", f"model/fusion={fusion}"), tmp_path / fusion)
    table = summarise(collect(tmp_path)).table
    assert len(table) == 4
    names = {"method RValue", "method TwoThresholds", "fusion Hybrid", "fusion Low"}
    assert set(table["row"]) == names
    assert table.groupby("name")["n"].sum().to_dict() == {"classic": 4, "train": 2}
    # only what differs among the runs that have it: learning rates do not, methods and fusions do
    keys = {"method._target_", "model.fusion._target_"}
    assert set(table.columns[: table.columns.get_loc("n")]) == {"table", "name", "row", "scale", "recipe", *keys}
    code, _, err = command(report, f"runs={tmp_path}")
    assert code == 0, err
    assert "nan" not in (tmp_path / "report.md").read_text()


def test_help_explains_every_key(command: Any):
    code, out, _ = command(classic, "--help")
    assert code == 0
    for line in (CONF_DIR / "classic.yaml").read_text().split("# --- keys\n")[1].split("\nhydra:")[0].splitlines():
        assert line in out
        assert "#" in line or line.endswith(":")
    assert all(f"method={method}" in out for method in METHODS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("data.root=nowhere",), "nowhere: not a folder"),
        (("data.root=",), "data.root"),
        (("method=forest",), "forest"),
        (("method=r_value", "method.nonsense=1"), "nonsense"),
        (("threshold=2",), "threshold=2"),
        (("data.split=random",), "data.split=random"),
    ],
)
def test_bad_input_is_one_line(
    command: Any, dataset: Path, tmp_path: Path, monkeypatch: Any, words: tuple[str, ...], expected: str
):
    monkeypatch.chdir(tmp_path)
    given = () if words[0].startswith("data.root") else (f"data.root={dataset}",)
    code, _, err = command(classic, *given, *words, f"out={tmp_path / 'run'}")
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert len(lines) == 1
    assert expected in lines[0]


def test_a_folder_of_another_run_is_not_overwritten(command: Any, trained: Path, dataset: Path):
    before = (trained / "metrics.json").read_bytes()
    code, _, err = command(classic, f"data.root={dataset}", f"out={trained}")
    assert code == 1
    assert "another configuration" in err
    assert (trained / "metrics.json").read_bytes() == before


def test_a_pair_is_seen_where_both_layers_see_a_particle(tmp_path: Path):
    low, high, apart = np.zeros((3, 5, 6), np.uint16)
    low[1:4, 1:4], high[1:4, 2:5], apart[1:4, 4:] = 20_000, 30_000, 30_000
    for name, image in (("low", low), ("high", high), ("apart", apart)):
        write_image(tmp_path / f"{name}.tiff", image)
    row = {"low": "low.tiff", "high": "high.tiff", "air": 50_000.0, "background": "zero", "w": 6, "h": 5}
    pairs = iter(Crops(pd.DataFrame([row, {**row, "high": "apart.tiff"}]), tmp_path, "pairs"))
    pair = next(pairs)
    assert pair.mask.tolist() == ((low > 0) & (high > 0)).tolist()
    assert pair.low[pair.mask] == pytest.approx(math.log(50_000 / 20_000), rel=1e-3)
    assert pair.high[pair.mask] == pytest.approx(math.log(50_000 / 30_000), rel=1e-3)
    with pytest.raises(InputError, match=r"low.tiff: no pixel of a particle in both layers"):
        next(pairs)
