"""Files of exported models: sound ones open, all else is refused in one line before it decides anything."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from exported import planes_of, settled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import oresort
from oresort.errors import InputError
from oresort.learn.export import export_model
from oresort.runtime import OnnxModel, open_model
from oresort.runtime.card import KEY, Card
from oresort.runtime.sealed import seal, unsealed
from oresort.sorting.point import Point

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sound") / "m.onnx"
    export_model(settled(), file, lambda: [planes_of(12)], {})
    return file


def graph_of(sound: Path) -> onnx.ModelProto:
    return onnx.load_from_string(unsealed(sound.read_bytes()))


def written(file: Path, model: onnx.ModelProto) -> Path:
    """Write a model with a checksum that is right, as a hostile writer would."""
    file.write_bytes(seal(model.SerializeToString()))
    return file


def with_card(sound: Path, file: Path, change: Change | str) -> Path:
    model = graph_of(sound)
    text = change
    if not isinstance(change, str):
        content = json.loads(model.metadata_props[0].value)
        change(content)
        text = json.dumps(content)
    helper.set_model_props(model, {KEY: text})
    return written(file, model)


def refused(file: Path, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        OnnxModel(file)
    text = str(caught.value)
    assert text.startswith(f"{file}: ")
    assert "\n" not in text
    assert len(text) < 600


def test_a_sound_file_opens_and_says_its_threads(sound: Path):
    assert isinstance(oresort.load(sound), OnnxModel)
    whole = planes_of(12, 70)
    np.testing.assert_allclose(OnnxModel(sound, threads=2).answer(whole), OnnxModel(sound).answer(whole), atol=1e-6)
    for threads in (0, -1, 1.5, True, 10_000):
        with pytest.raises(InputError, match=r"threads=.*whole number"):
            OnnxModel(sound, threads)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"device=cuda: .*m\.onnx runs on the CPU"):
        oresort.load(sound, "cuda")


def test_what_was_changed_since_is_refused(sound: Path, tmp_path: Path):
    data, file = sound.read_bytes(), tmp_path / "m.onnx"
    rng = np.random.default_rng(0)
    for place in (*rng.integers(0, len(data), 40).tolist(), 0, len(data) - 1, len(data) - 100):
        bad = bytearray(data)
        bad[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(bad)
        refused(file, "damaged or changed|not exported by this program, cut short, or changed")
    for cut in (
        b"",
        data[:1],
        data[:-1],
        data[1:],
        data[: len(data) // 2],
        data + b"\0",
        data + data,
        bytes(len(data)),
    ):
        file.write_bytes(cut)
        refused(file, "damaged or changed|not exported by this program, cut short, or changed")
    file.write_bytes(unsealed(data))  # as of another program
    refused(file, "not exported by this program")


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "checkpoint"])
def test_what_is_no_file_of_a_model_is_refused(tmp_path: Path, trained: Path, kind: str):
    file = tmp_path / "m.onnx"
    if kind == "folder":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file)
    elif kind == "checkpoint":
        file = trained / "checkpoints" / "best.ckpt"
    refused(file, {"missing": "No such file", "folder": "directory", "fifo": "not a regular"}.get(kind, "not exported"))


def put(key: str, value: object) -> Change:
    return lambda content: content.update({key: value})


CARDS: dict[str, tuple[Change | str, str]] = {
    "none": ("", "metadata that are not JSON"),
    "a list": ("[1]", "metadata without a format"),
    "NaN": ('{"format": NaN}', "NaN is no finite number"),
    "deep": ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "huge": (" " * 2**21 + "{}", "letters of metadata"),
    "a number of a thousand digits": ('{"format": 1' + "0" * 1_000 + "}", "too large a number"),
    "format 1": (put("format", 1), "format 1, and this program reads format 2"),
    "format true": (put("format", True), "metadata without a format"),
    "format as text": (put("format", "1"), "metadata without a format"),
    "no threshold": (lambda content: content.pop("threshold"), "metadata without 'threshold'"),
    "a key more": (put("exec", "x"), "metadata with an unknown 'exec'"),
    "classes the other way round": (put("classes", ["ore", "waste"]), "classes: not waste, ore"),
    "threshold 7": (put("threshold", 7), "threshold=7.0: not a probability"),
    "threshold as text": (put("threshold", "0.5"), "threshold='0.5': not a number"),
    "threshold true": (put("threshold", True), "threshold=True: not a number"),
    "another threshold than the graph's": (put("threshold", 0.999), "decides by another threshold"),
    "temperature 0": (put("temperature", 0), "temperature=0.0"),
    "temperature -1": (put("temperature", -1), "temperature=-1.0"),
    "air 0": (put("air", 0), "air=0.0"),
    "air negative": (put("air", -52_350.0), "air=-52350.0"),
    "air null": (put("air", None), "air=None: not a number"),
    "cut is a word": (put("cut", "released"), "cut: not how pairs are cut"),
    "cut lacks a key": (lambda content: content["cut"].pop("neck"), "cut: not how pairs are cut"),
    "cut of a text": (lambda content: content["cut"].update(min_area="x"), "cut: min_area='x'"),
    "cut of unknown crops": (lambda content: content["cut"].update(crops="round"), "crops=round"),
    "seen is a list": (put("seen", []), "seen: not a mapping"),
    "seen.pairs is a number": (put("seen", {"pairs": 3}), r"seen\.pairs: not a mapping"),
    "seen.pairs of text": (put("seen", {"pairs": {"r": {"pairs": "x"}}}), r"seen\.pairs\.r: not the numbers"),
    "seen.scans without ends": (put("seen", {"scans": {"air_low": {}}}), r"seen\.scans\.air_low: not the numbers"),
    "seen.p_ore of fractions": (put("seen", {"p_ore": [0.5] * 10}), r"seen\.p_ore: not 10 counts"),
    "known is a word": (put("known", "x"), "known: not particles of known class"),
    "known without masses": (put("known", {"p_ore": []}), "known: not particles of known class"),
    "point is a list": (put("point", [0.5]), "point: not an operating point"),
    "point of another threshold": (
        lambda content: content.update(point={**Point(0.9).plain()}), "point: of another threshold than the model's"),
    "provenance is text": (put("provenance", "x"), "provenance: not a mapping"),
    "a representation of another package": (
        put("representation", {"_target_": "os.system"}), r"'os\.system': not one of oresort\.represent"),
    "a representation of this package elsewhere": (
        put("representation", {"_target_": "oresort.learn.module.OreModule"}), r"not one of oresort\.represent"),
    "a representation that is no class of it": (
        put("representation", {"_target_": "oresort.represent.mask.particle_mask"}), "no such representation"),
    "no representation": (put("representation", {}), "representation None"),
    "a representation of 30,000 pixels": (
        lambda content: content["representation"].update(size=30_000), "size=30000"),
    "a representation of another size": (
        lambda content: content["representation"].update(size=16), r"not planes \(B, 4, 16, 16\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", CARDS)
def test_hostile_metadata_are_refused(sound: Path, tmp_path: Path, name: str):
    change, says = CARDS[name]
    refused(with_card(sound, tmp_path / "m.onnx", change), says)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_card_is_read_as_it_was_written_or_refused(sound: Path, data: st.DataObject):
    text = OnnxModel(sound).card.text()
    assert Card.read(text) == OnnxModel(sound).card
    place, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    changed = text[:place] + data.draw(st.text(max_size=5)) + text[end:]
    try:
        card = Card.read(changed)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert 0 <= card.threshold <= 1
        card.represent()


def external(model: onnx.ModelProto, tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "secret.bin"


def in_a_node(model: onnx.ModelProto) -> None:
    tensor = helper.make_tensor("t", 1, [4], [0.0] * 4)
    external(model, tensor)
    inner = helper.make_graph([helper.make_node("Constant", [], ["c"], value=tensor)], "g", [], [])
    model.graph.node.append(helper.make_node("If", ["threshold"], ["x"], then_branch=inner, else_branch=inner))


@pytest.mark.parametrize("kind", ["initializer", "a graph within a node", "a function"])
def test_values_from_beside_the_file_are_refused(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.bin").write_bytes(struct.pack("4f", 1, 2, 3, 4) * 1_000)
    model = graph_of(sound)
    if kind == "initializer":
        external(model, model.graph.initializer[0])
    elif kind == "a graph within a node":
        in_a_node(model)
    else:
        tensor = helper.make_tensor("t", 1, [4], [0.0] * 4)
        external(model, tensor)
        node = helper.make_node("Constant", [], ["c"], value=tensor)
        model.functions.append(helper.make_function("d", "F", [], ["c"], [node], model.opset_import))
    refused(written(tmp_path / "m.onnx", model), "takes values from another file")


def renamed(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "pictures"
    for node in model.graph.node:
        node.input[:] = ["pictures" if name == "planes" else name for name in node.input]


def without_threshold(model: onnx.ModelProto) -> None:
    del model.graph.input[1]


def not_a_number(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        if tensor.name.endswith("weight"):
            tensor.raw_data = np.full(len(tensor.raw_data) // 4, np.nan, np.float32).tobytes()


def an_operator_of_nobody(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Exfiltrate"


GRAPHS = {
    renamed: r"takes .*pictures.*, not planes",
    without_threshold: "has {} for a threshold that can be moved",
    not_a_number: "answers with no probability",
    an_operator_of_nobody: "Exfiltrate",
}


@pytest.mark.parametrize("change", GRAPHS, ids=lambda change: change.__name__)
def test_a_graph_that_is_no_model_of_pairs_is_refused(sound: Path, tmp_path: Path, change: Any):
    model = graph_of(sound)
    change(model)
    refused(written(tmp_path / "m.onnx", model), GRAPHS[change])


def test_bytes_that_are_no_message_are_refused_before_they_are_parsed(tmp_path: Path):
    rng = np.random.default_rng(0)
    for content in (
        b"",
        b"\x08",
        b"\xff" * 40,
        b"\x3a\x7f",
        b"\x3b",
        b"\x3a\x02\x08\x01",
        *map(rng.bytes, range(1, 60)),
    ):
        (tmp_path / "m.onnx").write_bytes(seal(content))
        refused(tmp_path / "m.onnx", ".")


def test_the_model_in_the_package_opens_or_is_named_as_missing():
    file = Path(oresort.__file__).parent / "runtime" / "builtin.onnx"
    if not file.is_file():
        with pytest.raises(InputError, match="builtin: this package holds no model"):
            open_model("builtin")
        pytest.skip("this checkout has no model in the package yet")
    model = open_model("builtin")
    assert file.stat().st_size < 200_000
    assert model.known is not None
    assert (len(model.known), model.known.scans) == (4_658, 292)
    assert model.point.rule == "balanced_accuracy"
    assert (file.with_suffix(".md")).is_file()
    assert model.cut is not None
    assert model.seen["pairs"]["r"]["pairs"] > 0


def test_a_model_that_looks_at_a_cover_that_it_is_not_shown_is_refused(tmp_path: Path):
    export_model(settled(mask=True), tmp_path / "masked.onnx", lambda: [planes_of(12)], {})
    assert OnnxModel(tmp_path / "masked.onnx").representation.mask
    change = with_card(
        tmp_path / "masked.onnx", tmp_path / "m.onnx", lambda content: content["representation"].update(mask=False)
    )
    refused(change, "depends on the particle's cover")
