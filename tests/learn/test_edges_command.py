"""The learned functions of a trained head, as a user asks for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from oresort import edges
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.models.edges import importance
from oresort.models.heads import kan_layers
from oresort.paths import CONF_DIR


def test_table_and_picture(command: Any, trained: Path, tmp_path: Path):
    ckpt = trained / "checkpoints" / "best.ckpt"
    code, out, err = command(edges, f"ckpt={ckpt}", f"out={tmp_path}", "top=3")
    assert code == 0, err
    assert "hold half" in out
    table = pd.read_csv(tmp_path / "edges.csv")
    layers = kan_layers(load_trained(ckpt).module)
    assert len(table) == sum(layer.in_features * layer.out_features for layer in layers)
    for number, layer in enumerate(layers):
        part = table[table["layer"] == number]
        assert part["importance"].is_monotonic_decreasing
        best = part.iloc[0]
        size = importance(layer)
        assert size[int(best["input"]), int(best["output"])] == size.max()
        assert best["importance"] == pytest.approx(size.max().item(), rel=1e-4)
    with Image.open(tmp_path / "edges.png") as picture:
        assert picture.size[0] > 300
        assert len(picture.convert("L").getcolors()) > 10  # curves, not an empty page


def test_a_head_without_functions_is_told(
    command: Any, dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path: Path
):
    train(compose_train(f"data.root={dataset}", "model/head=mlp"), tmp_path / "run")
    ckpt = tmp_path / "run" / "checkpoints" / "best.ckpt"
    code, _, err = command(edges, f"ckpt={ckpt}", f"out={tmp_path / 'out'}")
    assert code == 1
    assert "has no KAN layer" in err
    assert not (tmp_path / "out").exists()


def test_bad_input_is_one_line(command: Any, trained: Path, tmp_path: Path):
    ckpt = trained / "checkpoints" / "best.ckpt"
    for words, named in (
        ((f"ckpt={ckpt}", "top=0"), "top=0"),
        ((f"ckpt={tmp_path}/x",), "no such checkpoint"),
    ):
        code, _, err = command(edges, *words, f"out={tmp_path / 'out'}")
        assert code == 1
        assert named in err


def test_help_explains_every_key(command: Any):
    code, out, _ = command(edges, "--help")
    assert code == 0
    for line in (CONF_DIR / "edges.yaml").read_text().split("# --- keys\n")[1].splitlines():
        assert line in out
        assert "#" in line
