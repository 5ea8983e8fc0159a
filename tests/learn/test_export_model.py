"""The exported file answers as the checkpoint does: every fusion, every head, every tower, every representation."""

import logging
import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from exported import SEEN, planes_of, settled
from torch import nn
from zoo import FILES, part

from oresort import export
from oresort.belt.sample import sample_crops
from oresort.errors import InputError
from oresort.files.dataset import RELEASED
from oresort.learn import export as onnx_file
from oresort.learn.checkpoint import load_trained
from oresort.learn.export import export_model, serialised
from oresort.learn.origin import labelled_pairs, pairs_to_try
from oresort.learn.quantise import Labelled, judged, quantised
from oresort.learn.trained import Trained
from oresort.learn.winograd import Winograd
from oresort.models.pairnet import PairNet
from oresort.runtime import OnnxModel
from oresort.runtime.sealed import seal, unsealed

KNOWN = {"made_by": "a test", "data": None}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, OnnxModel]:
    trained = settled("hybrid", "kan", mask=True)
    file = tmp_path_factory.mktemp("export") / "m.onnx"
    return trained, export_model(trained, file, lambda: [planes_of(12)], KNOWN).model


def test_a_file_is_whole_and_says_what_it_is(made: tuple[Any, OnnxModel]):
    trained, model = made
    assert [path.name for path in model.file.parent.iterdir()] == ["m.onnx"]
    content = onnx.load(model.file)
    onnx.checker.check_model(content)
    assert {entry.key for entry in content.metadata_props} == {"oresort", "oresort_sha256"}
    assert [entry.name for entry in content.graph.input] == ["planes", "threshold"]
    assert [entry.name for entry in content.graph.output] == ["p_ore", "is_ore"]
    assert content.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    assert str(Path(onnx_file.__file__).parents[2]).encode() not in model.file.read_bytes()  # nobody's paths
    assert model.threshold == np.float32(0.45)
    assert model.cut == RELEASED
    assert model.seen == SEEN
    assert model.representation.identity == trained.representation.identity
    assert model.describe().items() >= {"made_by": "a test", "sha256": model.digest}.items()


def test_it_answers_as_the_checkpoint_for_every_batch(made: tuple[Any, OnnxModel]):
    trained, model = made
    planes = planes_of(12, 130, seed=3)
    expected = trained.answer(planes)
    assert expected.std() > 0.01
    for size in (1, 3, 64, 130):
        found = np.concatenate([model.answer(planes[i : i + size]) for i in range(0, len(planes), size)])
        np.testing.assert_allclose(found, expected, atol=1e-5)
    pairs = list(sample_crops(5, 1, "zero"))
    lows, highs = [crop.low for crop, _ in pairs], [crop.high for crop, _ in pairs]
    air = [level for _, level in pairs]
    expected = trained.predict(lows, highs, air=air)
    np.testing.assert_allclose(model.predict(lows, highs, air=air), expected, atol=1e-5)
    np.testing.assert_allclose(model.predict(lows[0], highs[0], air=air[0]), expected[:1], atol=1e-5)


def test_the_threshold_is_an_input_that_may_be_left_out(made: tuple[Any, OnnxModel]):
    model = made[1]
    planes = planes_of(12, 40, seed=4)
    p_ore, called = model.decide(planes)
    np.testing.assert_array_equal(called, p_ore >= np.float32(model.threshold))
    for threshold in (0.0, float(np.median(p_ore)), 1.0):
        again, moved = model.decide(planes, threshold)
        np.testing.assert_array_equal(again, p_ore)
        np.testing.assert_array_equal(moved, p_ore >= np.float32(threshold))
    assert 0 < model.decide(planes, float(np.median(p_ore)))[1].sum() < 40


def test_nothing_of_the_exporter_reaches_a_user(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    export_model(settled(), tmp_path / "m.onnx", lambda: [planes_of(12)], KNOWN)
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert capfd.readouterr() == ("", "")


def off(trained: Trained) -> None:
    # one answer a thousandth higher, and no decision another
    trained.module.temperature.mul_(1.05)


def turned(trained: Trained) -> None:
    # between two answers, so that the file's own threshold decides otherwise
    low, high = np.sort(trained.answer(planes_of(12)))[[1, -1]]
    trained.module.threshold.fill_(float(high) if trained.threshold <= low else float(low))


@pytest.mark.parametrize(("change", "says"), [(off, r"up to \d\.\de-0[1-3] off"), (turned, "[1-9] of 9 decisions")])
def test_a_file_that_is_off_is_not_kept(
    made: tuple[Any, OnnxModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, says: str
):
    (tmp_path / "m.onnx").write_text("of before")
    trained, model = made
    monkeypatch.setattr(onnx_file, "serialised", lambda *_: unsealed(model.file.read_bytes()))
    trained = replace(trained, module=deepcopy(trained.module))
    assert export_model(trained, tmp_path / "same.onnx", lambda: [planes_of(12)], KNOWN).difference < 1e-5
    (tmp_path / "same.onnx").unlink()
    change(trained)
    with pytest.raises(InputError, match=rf"m\.onnx: .*{says}.*; it was not kept"):
        export_model(trained, tmp_path / "m.onnx", lambda: [planes_of(12)], KNOWN)
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]
    assert (tmp_path / "m.onnx").read_text() == "of before"


def test_what_decides_otherwise_by_fewer_products_gets_plain_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trained = settled()

    def coarse(net: PairNet) -> PairNet:
        net = deepcopy(net)
        with torch.no_grad():
            list(net.parameters())[-1][0] += 5.0  # of one class
        net.wide = Winograd(nn.Conv2d(1, 1, 3, padding=1))
        return net

    monkeypatch.setattr(onnx_file, "lean", coarse)
    made = export_model(trained, tmp_path / "m.onnx", lambda: [planes_of(12)], KNOWN)
    assert made.difference < 1e-5
    assert "of 9 decisions are others" in made.refused
    assert made.model.describe()["convolutions"] == f"plain: {made.refused}"
    monkeypatch.setattr(
        onnx_file, "serialised", lambda trained, _, card: serialised(trained, coarse(trained.module.net), card)
    )
    with pytest.raises(InputError, match="it was not kept"):
        export_model(trained, tmp_path / "other.onnx", lambda: [planes_of(12)], KNOWN)


def test_what_cannot_be_checked_or_would_not_open_is_not_written(tmp_path: Path):
    with pytest.raises(InputError, match="no pairs to check"):
        export_model(settled(), tmp_path / "m.onnx", list, KNOWN)
    trained = settled()
    trained.module.hparams["representation"] = {"_target_": "mine.Own"}
    with pytest.raises(InputError, match=r"'mine\.Own': not one of oresort\.represent\."):
        export_model(trained, tmp_path / "m.onnx", lambda: [planes_of(12)], KNOWN)
    assert not list(tmp_path.iterdir())


def test_the_command_exports_a_run(command: Any, trained: Path, dataset: Path, tmp_path: Path):
    code, out, err = command(export, f"ckpt={trained}", f"out={tmp_path / 'a.onnx'}", "pairs=70")
    assert code == 0, err
    assert "on 70 simulated pairs: probabilities within" in out
    model, checkpoint = OnnxModel(tmp_path / "a.onnx"), load_trained(trained)
    assert model.threshold == checkpoint.threshold
    origin = model.card.provenance
    assert origin["checkpoint"] == checkpoint.digest
    assert len(origin["data"]) == 33
    assert origin["run"] == "train"
    for words, says in (
        (("out=x.pt",), "not called \\*\\.onnx"),
        (("pairs=0",), "pairs=0"),
        ((f"ckpt={tmp_path / 'a.onnx'}",), r"a\.onnx"),
        (("data.root=nowhere",), "nowhere"),
        (("precision=int8",), "precision=int8: is judged by labelled pairs; give them as data.root=DIR"),
        (("precision=half",), "precision=half"),
        (("max_drop=2",), "max_drop=2"),
    ):
        code, _, err = command(export, f"ckpt={trained}", f"out={tmp_path / 'c.onnx'}", *words)
        assert code == 1
        assert [line for line in err.splitlines() if line.startswith("error: ")] == [err.splitlines()[-1]]
        assert re.search(says, err.splitlines()[-1])
        assert not (tmp_path / "c.onnx").exists()


def test_8_bits_are_kept_where_they_cost_little_and_are_faster(
    made: tuple[Any, OnnxModel], tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    _, model = made
    planes = planes_of(12, 200, seed=7)
    p_ore = model.answer(planes)
    labelled = Labelled(planes_of(12, 64, seed=8), planes, (p_ore > np.median(p_ore)).astype(np.int64))
    (tmp_path / "small.onnx").write_bytes(seal(quantised(unsealed(model.file.read_bytes()), labelled.calibration)))
    small = OnnxModel(tmp_path / "small.onnx")
    assert small.card == model.card
    assert small.digest != model.digest
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load(small.file).graph.node)
    off = np.abs(small.answer(planes) - p_ore)
    assert 0 < off.mean() < 0.02
    assert off.max() < 0.1
    assert capfd.readouterr() == ("", "")
    moved = small.decide(planes, float(np.median(p_ore)))
    np.testing.assert_array_equal(moved[1], moved[0] >= np.float32(np.median(p_ore)))
    with pytest.raises(InputError, match=r"precision=int8: AUROC is \d+\.\d\d with 8 bits and 100\.00 without"):
        judged(model, small, labelled, max_drop=-1.0)
    with pytest.raises(InputError, match="AUROC is nan"):
        judged(model, small, labelled._replace(label=np.ones(200, np.int64)), max_drop=1.0)
    with pytest.raises(InputError, match=r"0\.\d\d times as fast on this processor"):
        judged(Slow(model, 0), Slow(small, 3), labelled, max_drop=1.0)  # type: ignore[arg-type]
    gate = judged(Slow(model, 3), Slow(small, 0), labelled, max_drop=0.03)  # type: ignore[arg-type]
    assert gate.speed > 1
    assert gate.auroc[0] == 1
    assert 0.97 < gate.auroc[1] < 1


def test_wide_convolutions_multiply_less_in_float32_and_are_whole_in_8_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wide = part("tower", "paper", widths=[64, 64])
    trained, planes = settled(tower=wide, size=24), planes_of(24, 40)
    plain, graphs, answers = onnx_file.serialised, list[onnx.ModelProto](), list[Any]()

    def watched(*words: Any) -> bytes:
        made = plain(*words)
        graphs.append(onnx.load_from_string(made))
        return made

    monkeypatch.setattr(onnx_file, "serialised", watched)
    # what 8 bits cost and bring is judged above
    monkeypatch.setattr(onnx_file, "judged", lambda model, *_: answers.append(model.answer(planes)))
    labelled = Labelled(planes, planes, np.arange(40) % 2)
    made = export_model(trained, tmp_path / "m.onnx", lambda: [planes], KNOWN, labelled)
    assert made.difference < 1e-5
    counts = [sum(node.op_type == "Conv" for node in g.graph.node) for g in (*graphs, onnx.load(made.model.file))]
    assert counts == [3, 5, 5]  # without the two of the block; all
    np.testing.assert_allclose(made.model.answer(planes), answers[0], atol=0.05)
    assert not np.array_equal(made.model.answer(planes), answers[0])


class Slow:
    """A model that answers some times before it is believed."""

    def __init__(self, model: OnnxModel, times: int) -> None:
        self.model, self.times, self.threshold = model, times, model.threshold

    def answer(self, planes: np.ndarray) -> np.ndarray:
        for _ in range(self.times):
            self.model.answer(planes)
        return self.model.answer(planes)


def test_pairs_to_try_are_of_the_dataset_or_simulated(trained: Path, dataset: Path):
    model = load_trained(trained)
    (real,) = pairs_to_try(model, 30, str(dataset))
    whole = np.concatenate(list(pairs_to_try(model, 1_000, str(dataset))))
    assert (len(real), len(whole)) == (30, 48)
    np.testing.assert_array_equal(real[[0, -1]], whole[[0, -1]])
    labelled = labelled_pairs(model, str(dataset))
    assert 0 < len(labelled.calibration) < 48 - len(labelled.planes)
    assert set(labelled.label.tolist()) == {0, 1}
    simulated = [list(pairs_to_try(model, count, None)) for count in (66, 66, 3)]
    assert [len(batch) for batch in simulated[0]] == [64, 2]
    np.testing.assert_array_equal(np.concatenate(simulated[0]), np.concatenate(simulated[1]))
    np.testing.assert_array_equal(simulated[2][0], simulated[0][0][:3])
    assert 0 < simulated[0][0][:, 2:].mean() < 1  # rock, not noise


@pytest.mark.slow  # each takes seconds, all of them a quarter of an hour
@pytest.mark.parametrize("head", FILES["head"])
@pytest.mark.parametrize("fusion", FILES["fusion"])
def test_parity(tmp_path: Path, fusion: str, head: str):
    assert export_model(settled(fusion, head), tmp_path / "m.onnx", lambda: [planes_of(12)], KNOWN).difference < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["attenuation", "standardized"])
@pytest.mark.parametrize("tower", ["paper", "compact", "mobilenetv3_small", "timm", "alexnet"])
def test_parity_of_towers(tmp_path: Path, tower: str, kind: str):
    size = 64 if tower == "alexnet" else 40
    keys = {"size": 64} if tower == "alexnet" else {}
    trained = settled(tower=part("tower", tower, **keys), kind=kind, size=size)
    assert export_model(trained, tmp_path / "m.onnx", lambda: [planes_of(size)], KNOWN).difference < 1e-4
