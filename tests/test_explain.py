"""The learned functions of a trained head, as a user asks for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from oresort import evaluate, explain
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.evaluation import evaluate_checkpoint
from oresort.learn.fit import train
from oresort.models.heads.kan import kan_layers
from oresort.models.kan.edges import blocks, importance


def test_table_and_picture(command: Any, trained: Path, tmp_path: Path):
    ckpt = trained / "checkpoints" / "best.ckpt"
    code, out, err = command(explain, f"ckpt={ckpt}", f"out={tmp_path}", "top=3")
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


def test_a_simplified_model_is_a_checkpoint_of_its_own(command: Any, trained: Path, dataset: Path, tmp_path: Path):
    ckpt = trained / "checkpoints" / "best.ckpt"

    def simplified(*words: str) -> Any:
        out = tmp_path / "-".join(words).replace("=", "_")
        code, shown, err = command(explain, f"ckpt={ckpt}", f"out={out}", *words)
        assert code == 0, err
        assert "simplified.ckpt: " in shown
        file = out / "simplified.ckpt"
        assert command(evaluate, f"ckpt={file}", f"data.root={dataset}", f"out={out}")[0] == 0
        return load_trained(file).module, pd.read_csv(out / "predictions.csv")

    whole = load_trained(ckpt).module
    before = evaluate_checkpoint(ckpt, dataset).predictions

    module, after = simplified("degree=8")  # two more terms that begin at 0
    assert sum(p.numel() for p in module.parameters()) > sum(p.numel() for p in whole.parameters())
    assert after["p_ore"].to_numpy() == pytest.approx(before["p_ore"].to_numpy(), abs=1e-5)

    module, after = simplified("keep=0.25", "degree=2")
    for layer, old in zip(kan_layers(module), kan_layers(whole), strict=True):
        alive = blocks(layer)[1:].abs().sum(0) > 0
        assert layer.basis.columns == 2
        assert int(alive.sum()) == round(0.25 * alive.numel())
        kept = blocks(layer)[1:, alive]
        assert kept.equal(blocks(old)[1:3, alive])
    assert after["p_ore"].to_numpy() != pytest.approx(before["p_ore"].to_numpy(), abs=1e-5)


def test_a_head_without_functions_is_told(
    command: Any, dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path: Path
):
    train(compose_train(f"data.root={dataset}", "model/head=mlp"), tmp_path / "run")
    ckpt = tmp_path / "run" / "checkpoints" / "best.ckpt"
    code, _, err = command(explain, f"ckpt={ckpt}", f"out={tmp_path / 'out'}")
    assert code == 1
    assert "has no KAN layer" in err
    assert not (tmp_path / "out").exists()


def test_bad_input_is_one_line(command: Any, trained: Path, tmp_path: Path):
    ckpt = trained / "checkpoints" / "best.ckpt"
    for words, named in (
        ((f"ckpt={ckpt}", "top=0"), "top=0"),
        ((f"ckpt={ckpt}", "keep=1.5"), "keep=1.5"),
        ((f"ckpt={ckpt}", "degree=0"), "degree=0"),
        ((f"ckpt={tmp_path}/x",), "no such checkpoint"),
    ):
        code, _, err = command(explain, *words, f"out={tmp_path / 'out'}")
        assert code == 1
        assert named in err
        assert not (tmp_path / "out").exists()
