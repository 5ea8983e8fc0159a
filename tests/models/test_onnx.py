"""The exported file computes what the model does: every fusion, every head, every tower."""

import logging

import onnx
import pytest
import torch
from zoo import FILES, NARROW, member, part

from oresort.errors import InputError
from oresort.learn import export as onnx_file
from oresort.learn.export import export_onnx


def settled(tower, fusion, head, channels=1, size=12):
    model = member(tower, fusion, head, channels)
    with torch.no_grad():
        model(*torch.randn(2, 16, channels, size, size))  # running statistics off their start
    return model


def test_a_file_is_whole_and_says_what_it_is(tmp_path, caplog):
    model = settled(NARROW, "hybrid", "kan", channels=2)
    difference = export_onnx(model, 2, 12, tmp_path / "m.onnx", {"threshold": "0.4"})
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert difference < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    content = onnx.load(tmp_path / "m.onnx")
    texts = {entry.key: entry.value for entry in content.metadata_props}
    assert texts == {"threshold": "0.4", "oresort_energies": "low,high"}
    assert [entry.name for entry in content.graph.input] == ["low", "high"]
    batch = content.graph.input[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param
    assert len(content.graph.node) < 400


@pytest.mark.slow
def test_a_file_that_is_off_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    with pytest.raises(InputError, match="off; it was not kept"):
        export_onnx(settled(NARROW, "sum", "linear"), 1, 12, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow  # each takes seconds, all of them a quarter of an hour
@pytest.mark.parametrize("head", FILES["head"])
@pytest.mark.parametrize("fusion", FILES["fusion"])
def test_parity(tmp_path, fusion, head):
    assert export_onnx(settled(NARROW, fusion, head), 1, 12, tmp_path / "m.onnx") < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("tower", ["paper", "compact", "mobilenetv3_small", "timm", "alexnet"])
def test_parity_of_towers(tmp_path, tower):
    keys = {"size": 64} if tower == "alexnet" else {}
    model = settled(part("tower", tower, **keys), "stack", "linear", size=40)
    assert export_onnx(model, 1, 40, tmp_path / "m.onnx") < 1e-3
