"""One wrong byte, or one wrong value, in any file that is read: refused in one line, or what is read makes sense."""

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pairs import write_image, write_manifest, write_released

from oresort.data.splits import assign_splits
from oresort.errors import InputError
from oresort.files.dataset import SIMULATED, read_dataset, read_ranges, write_dataset
from oresort.files.image import read_image
from oresort.files.layout import SPLITS
from oresort.files.lines import LayerReader
from oresort.files.manifest import load_manifest
from oresort.files.record import read_yaml
from oresort.learn.checkpoint import load_trained, save
from oresort.learn.module import OreModule
from oresort.learn.record import read_epochs, read_predictions, read_row
from oresort.learn.saving import WholeCheckpoints
from oresort.paths import part
from oresort.scan.calibrate.calibration import load_calibration
from oresort.sorting import METRICS
from oresort.xray.transmission import FULL_SCALE

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2, 0.5, 1e300, -1e300, 10**30, "", "x", "nan", "../..", "\0", "\ud800", [], {}, [[]],
    [0], {"x": 1}, float("nan"), float("inf"), "9" * 5000,
]  # fmt: skip

many = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """One way to damage bytes: a bit, a cut, a hole, a piece twice, other bytes."""
    kind = draw(st.sampled_from(["flip", "cut", "hole", "twice", "other"]))
    place, size = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(1, 64))
    other, bit = draw(st.binary(min_size=1, max_size=8)), draw(st.integers(0, 7))

    def damage(data: bytes) -> bytes:
        at = int(place * len(data))
        if kind == "flip":
            return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        pieces = {"cut": b"", "hole": data[at + size :], "twice": data[at : at + size] + data[at:]}
        return data[:at] + pieces.get(kind, other + data[at + len(other) :])

    return damage


def places(content: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested lists and mappings."""
    keys = (
        content.keys()
        if isinstance(content, dict)
        else range(min(len(content), 3))
        if isinstance(content, list)
        else ()
    )
    return [*([here] if here else []), *(place for key in keys for place in places(content[key], (*here, key)))]


def put(content: Any, place: tuple[Any, ...], value: Any) -> None:
    for key in place[:-1]:
        content = content[key]
    content[place[-1]] = value


@st.composite
def swaps(draw: st.DrawFn) -> Callable[[Any], Any]:
    """One way to change a value in nested lists and mappings: an odd one, another's, none."""
    kind, odd = draw(st.sampled_from(["odd", "swap", "drop"])), draw(st.sampled_from(ODD))
    one, two = draw(st.floats(0, 1, exclude_max=True)), draw(st.floats(0, 1, exclude_max=True))

    def swap(content: Any) -> Any:
        all_places = places(content)
        place, other = all_places[int(one * len(all_places))], all_places[int(two * len(all_places))]
        source: Any = content
        for key in other:
            source = source[key]
        source = json.loads(json.dumps(source))
        if kind != "drop":
            put(content, place, odd if kind == "odd" else source)
            return content
        inner = content
        for key in place[:-1]:
            inner = inner[key]
        del inner[place[-1]]
        return content

    return swap


def sound(read: Callable[[], Any], check: Callable[[Any], Any]) -> None:
    """Read, and demand one line or something that makes sense."""
    refused, found = None, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # leakage, pairs left out: said, and part of the answer
        try:
            found = read()
        except InputError as error:
            refused = str(error).strip()
    if refused is None:
        assert check(found)
    else:
        assert refused
        assert "\n" not in refused


def is_manifest(frame: Any) -> bool:
    images = [*frame["low"], *frame["high"]]
    return bool(
        set(frame["label"]) <= {0, 1} and frame["air"].between(2, FULL_SCALE).all() and frame["id"].is_unique
        and len(images) == len(set(images)) and (frame["scan"] != "").all()
    )  # fmt: skip


def is_calibration(found: Any) -> bool:
    arrays = [np.stack([layer.air, layer.dark, layer.noise]) for layer in (found.low, found.high)]
    whole = all(np.isfinite(a).all() and (a[0] > a[1]).all() and a.shape == (3, found.width) for a in arrays)
    fit = found.registration
    return whole and 0 <= found.belt.start < found.belt.stop <= found.width and (fit is None or 0.5 <= fit.scale <= 2)


def is_row(row: dict[str, Any]) -> bool:
    figures = [row[f"test/{name}"] for name in METRICS] if row["status"] == "finished" else []
    return all(value is None or -1 <= value <= 1 for value in figures) and isinstance(row["seed"], int)


CALIBRATION = {
    "version": 2, "made": "2026-01-31", "sorter": None, "pixel": 0.4, "belt": [0, 9], "levels": [50_000.0, 49_000.0],
    "notes": [],
    "registration": dict.fromkeys(("scale", "column_offset", "row_offset", "residual", "unregistered"), 1.0),
    **{layer: {"level": 5e4, "air": [5e4] * 9, "dark": [9.0] * 9, "noise": [0.01] * 9, "faults": {"dark": [3]}}
       for layer in ("low", "high")},
}  # fmt: skip
ROW = {
    "status": "finished", "name": "train", "seed": 1, "params": 10, "threshold": 0.5, "pairs/test": 2, "data": "abc",
    **{f"test/{name}": 0.75 for name in METRICS}, "config.optim.lr": 0.1, "leaking_images": 0,
}  # fmt: skip
PREDICTIONS = "id,scan,split,label,p_ore\na,1,val,ore,0.5\nb,2,test,ore,0.25\nc,3,test,waste,0.875\n"
EPOCHS = "epoch,lr,val/auroc\n0,0.1,\n1,0.2,0.5\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 12 pairs with everything that may lie in one."""
    folder = write_manifest(write_released(tmp_path_factory.mktemp("mutated") / "set", count=12, scans=12))
    frame = load_manifest(folder)
    sides = {side: [str(Path(low).parent) for low in frame["low"][k::3]] for k, side in enumerate(SPLITS)}
    (folder / "train_val_test.json").write_text(json.dumps(sides))
    write_dataset(folder, "prepare", SIMULATED, scans={"noise_low": {"min": 0.1, "median": 0.2, "max": 0.3}})
    (folder / "calibration.json").write_text(json.dumps(CALIBRATION))
    (folder / "metrics.json").write_text(json.dumps(ROW))
    (folder / "predictions.csv").write_text(PREDICTIONS)
    (folder / "metrics.csv").write_text(EPOCHS)
    (folder / "config.yaml").write_text(yaml.safe_dump({"optim": {"lr": 0.1}, "seed": 1, "list": [1, 2]}))
    return folder


def split(root: Path) -> Any:
    return assign_splits(load_manifest(root), root, split="given", seed=0, strict=False)


READERS: dict[str, tuple[Callable[[Path], Any], Callable[[Any], Any]]] = {
    "manifest.csv": (load_manifest, is_manifest),
    "train_val_test.json": (split, lambda frame: set(frame["split"]) == set(SPLITS)),
    "dataset.json": (lambda root: (read_dataset(root), read_ranges(root)), lambda found: asdict(found[0] or SIMULATED)),
    "calibration.json": (lambda root: load_calibration(root / "calibration.json"), is_calibration),
    "metrics.json": (lambda root: read_row(root / "metrics.json"), is_row),
    "predictions.csv": (
        lambda root: read_predictions(root / "predictions.csv", ROW, "test"),
        lambda table: len(table) == 2 and table["p_ore"].between(0, 1).all(),
    ),
    "metrics.csv": (lambda root: read_epochs(root / "metrics.csv"), lambda rows: all(epoch >= 0 for epoch in rows)),
    "config.yaml": (lambda root: read_yaml(root / "config.yaml"), lambda content: isinstance(content, dict)),
}


@pytest.mark.parametrize("name", READERS)
@many
@given(damages())
def test_damaged_bytes(root: Path, name: str, damage: Callable[[bytes], bytes]):
    read, check = READERS[name]
    whole = (root / name).read_bytes()
    try:
        (root / name).write_bytes(damage(whole))
        sound(lambda: read(root), check)
    finally:
        (root / name).write_bytes(whole)


@pytest.mark.parametrize("name", [name for name in READERS if not name.endswith(".csv")])
@many
@given(swaps())
def test_other_values(root: Path, name: str, swap: Callable[[Any], Any]):
    read, check = READERS[name]
    whole = (root / name).read_text()
    try:
        content = swap(yaml.safe_load(whole))
        written = json.dumps(content) if name.endswith("json") else yaml.safe_dump(content)
        (root / name).write_text(written, encoding="utf-8", errors="surrogatepass")
        sound(lambda: read(root), check)
    finally:
        (root / name).write_text(whole)


@pytest.mark.parametrize("name", [name for name in READERS if name.endswith(".csv")])
@many
@given(
    st.floats(0, 1, exclude_max=True), st.sampled_from(["", "x", "nan", "-1", "1e999", "../x", '"', "a,b", "\0", "ü"])
)
def test_other_cells(root: Path, name: str, place: float, cell: str):
    read, check = READERS[name]
    whole = (root / name).read_text()
    lines = [line.split(",") for line in whole.split("\n")]
    row = lines[int(place * len(lines))]
    row[int(place * 1000) % len(row)] = cell
    try:
        (root / name).write_text("\n".join(map(",".join, lines)))
        sound(lambda: read(root), check)
    finally:
        (root / name).write_text(whole)


@pytest.mark.parametrize("suffix", [".tiff", ".png"])
@many
@given(damage=damages(), front=st.booleans())
def test_damaged_images(tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes], front: bool):
    whole, file = tmp_path / f"whole{suffix}", tmp_path / f"image{suffix}"
    if not whole.is_file():
        write_image(whole, np.arange(40 * 30, dtype=np.uint16).reshape(40, 30))
    data = whole.read_bytes()
    head = 200 if front else len(data)
    file.write_bytes(damage(data[:head]) + data[head:])

    def lines() -> Any:
        with LayerReader(file) as reader:
            return reader.read(0, reader.height)

    for read in (lambda: read_image(file), lines):
        sound(read, lambda image: image.dtype == np.uint16 and image.ndim == 2 and 0 < image.size < 10**6)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a tiny model, with what going on needs too."""
    file = tmp_path_factory.mktemp("checkpoint") / "best.ckpt"
    model = {
        "tower": part("model/tower", "compact", widths=[4, 8, 8]),
        "fusion": part("model/fusion", "stack"),
        "head": part("model/head", "linear"),
        "channels": 1,
    }
    module = OreModule(model=model, representation=part("representation", "attenuation", size=16))
    save(file, module, {"root": "data", "seed": 0})
    content = torch.load(file, weights_only=True)
    torch.save(content | {"optimizer_states": [], "lr_schedulers": [], "loops": {}, "callbacks": {}}, file)
    return file


def is_same_model(checkpoint: Path) -> Callable[[Any], bool]:
    own = load_trained(checkpoint).module.state_dict()
    return lambda trained: all(torch.equal(own[k], v) for k, v in trained.module.state_dict().items())


@settings(many, max_examples=60)
@given(damage=damages())
def test_damaged_checkpoints_give_no_other_weights(checkpoint: Path, damage: Callable[[bytes], bytes]):
    file = checkpoint.with_name("damaged.ckpt")
    file.write_bytes(damage(checkpoint.read_bytes()))
    sound(lambda: load_trained(file), is_same_model(checkpoint))
    sound(lambda: WholeCheckpoints().load_checkpoint(file), lambda content: isinstance(content, dict))


@settings(many, max_examples=60)
@given(swap=swaps(), part_of=st.sampled_from(["hyper_parameters", "datamodule_hyper_parameters", "seen", "epoch"]))
def test_other_values_in_checkpoints(checkpoint: Path, swap: Callable[[Any], Any], part_of: str):
    file = checkpoint.with_name("other.ckpt")
    content = torch.load(checkpoint, weights_only=True)
    changed = swap({part_of: content[part_of]})
    torch.save({key: value for key, value in content.items() if key != part_of} | changed, file)
    sound(lambda: load_trained(file), lambda trained: 0 <= trained.threshold <= 1)
