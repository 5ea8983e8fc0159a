"""`sort` as typed: every particle decided on, cut as the model's training pairs were."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pairs import AIR, write_image, write_manifest, write_released
from PIL import Image

from oresort import prepare, simulate, sort
from oresort.belt import write_scans
from oresort.errors import InputError
from oresort.files.dataset import RELEASED, Cutting, read_dataset, read_ranges, write_dataset
from oresort.files.image import read_pair
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.scan.cut.crop import Cropper, Cut
from oresort.scan.cut.cutter import Cutter
from oresort.scan.cut.held import Held
from oresort.sorting.table import COLUMNS

AIR_LOW = {"min": 1.0, "median": 2.0, "max": 3.0}


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error: ")]


def scan_with(particles: int, attenuation: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :400]
    counts = np.full((200, 400), AIR)
    for k in range(particles):
        disc = (y - 100) ** 2 + (x - 80 - 120 * k) ** 2 < 25**2
        counts[disc] *= np.exp(-attenuation)
    return (counts * (1 + 0.02 * rng.standard_normal(counts.shape))).clip(1, 65_534).astype(np.uint16)


@pytest.fixture
def layers(tmp_path: Path) -> tuple[str, str]:
    """Words that name a scan of three discs."""
    for layer, attenuation in (("low", 1.5), ("high", 1.0)):
        write_image(tmp_path / f"{layer}.tiff", scan_with(3, attenuation))
    return f"low={tmp_path / 'low.tiff'}", f"high={tmp_path / 'high.tiff'}"


@pytest.fixture
def checkpoint(trained: Path, tmp_path: Path) -> Callable[[Cutting | None], str]:
    """Words that name the trained model as if its pairs had been cut in a given way."""

    def write(cut: Cutting | None) -> str:
        content = torch.load(trained / "checkpoints" / "best.ckpt", weights_only=True)
        content["hyper_parameters"]["cut"] = None if cut is None else asdict(cut)
        torch.save(content, tmp_path / "model.ckpt")
        return f"ckpt={tmp_path / 'model.ckpt'}"

    return write


@pytest.mark.parametrize("particles", [0, 3])
def test_every_particle_is_decided_on(command: Any, trained: Path, tmp_path: Path, particles: int):
    for layer, attenuation in (("low", 1.5), ("high", 1.0)):
        write_image(tmp_path / f"{layer}.tiff", scan_with(particles, attenuation))
    code, _, err = command(
        sort,
        f"ckpt={trained / 'checkpoints' / 'best.ckpt'}",
        f"low={tmp_path / 'low.tiff'}",
        f"high={tmp_path / 'high.tiff'}",
        f"out={tmp_path / 'out'}",
        "threshold=0.0",
    )
    assert code == 0, err
    table = pd.read_csv(tmp_path / "out" / "decisions.csv")
    assert tuple(table.columns) == COLUMNS
    assert len(table) == particles
    assert (table["decision"] == "ore").all()
    with Image.open(tmp_path / "out" / "overlay.png") as picture:
        assert picture.size[0] > 400


def test_the_real_scan(command: Any, trained: Path, real_dir: Path, tmp_path: Path):
    code, _, err = command(
        sort,
        f"ckpt={trained / 'checkpoints' / 'best.ckpt'}",
        f"low={real_dir / 'scan_38_low.tiff'}",
        f"high={real_dir / 'scan_38_high.tiff'}",
        f"out={tmp_path}",
    )
    assert code == 0, err
    assert "2 of 5 particles reach the border" in err
    assert len(pd.read_csv(tmp_path / "decisions.csv")) == 5


def test_a_saved_calibration_registers(command: Any, checkpoint: Any, real_dir: Path, tmp_path: Path):
    words = (
        checkpoint(Cutting()),
        f"low={real_dir / 'scan_38_low.tiff'}",
        f"high={real_dir / 'scan_38_high.tiff'}",
        "overlay=false",
    )
    code, _, err = command(sort, *words, f"out={tmp_path / 'own'}")
    assert code == 0, err
    assert command(prepare, f"scans={real_dir}", f"out={tmp_path / 'set'}", "overlay=false")[0] == 0
    saved = f"calibration={tmp_path / 'set' / 'calibration' / 'scan_38.json'}"
    assert command(sort, *words, f"out={tmp_path / 'given'}", saved)[0] == 0
    own, given = (pd.read_csv(tmp_path / name / "decisions.csv") for name in ("own", "given"))
    pd.testing.assert_frame_equal(own[["x", "y", "w", "h"]], given[["x", "y", "w", "h"]])
    np.testing.assert_allclose(own["p_ore"], given["p_ore"], atol=0.01)


def test_bad_input_is_refused_and_nothing_is_written(command: Any, checkpoint: Any, tmp_path: Path):
    write_image(tmp_path / "low.tiff", scan_with(1))
    write_image(tmp_path / "high.tiff", scan_with(1)[:100])
    ckpt = checkpoint(None)
    known = (ckpt, "crops=released", "mask=threshold", f"high={tmp_path / 'low.tiff'}")
    for words, expected in (
        ((*known, f"high={tmp_path / 'high.tiff'}"), "two layers of the same scan"),
        ((*known, f"ckpt={tmp_path / 'no.ckpt'}"), "no such checkpoint"),
        ((*known, "threshold=7"), "threshold"),
        ((*known, "device=abacus"), "device=abacus"),
        ((*known, "crops=round"), "crops=round"),
        ((*known, "mask=ideal"), "mask=ideal"),
        ((*known, "crops=registered"), "exchange low and high"),
    ):
        code, _, err = command(sort, f"low={tmp_path / 'low.tiff'}", f"out={tmp_path / 'out'}", *words)
        assert code == 1
        assert expected in errors(err)[0]
        assert not (tmp_path / "out").exists()


def crops_of(monkeypatch: pytest.MonkeyPatch) -> list[Cut]:
    """Return a list that fills with what `sort` hands to the model."""
    seen: list[Cut] = []
    plain = Cropper.__call__

    def watched(self: Cropper, held: Held) -> list[Cut]:
        cuts = plain(self, held)
        seen.extend(cuts)
        return cuts

    monkeypatch.setattr(Cropper, "__call__", watched)
    return seen


def test_prepared_trained_and_sorted_with_defaults_cuts_alike(
    command: Any,
    compose_train: Callable[..., TrainConfig],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    from oresort.learn.fit import train

    (tmp_path / "raw").mkdir()
    write_scans(tmp_path / "raw", scans=4, seed=11, particles=10)
    assert command(prepare, f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}", "overlay=false")[0] == 0
    train(compose_train(f"data.root={tmp_path / 'set'}"), tmp_path / "run")
    seen = crops_of(monkeypatch)
    code, _, err = command(
        sort,
        f"ckpt={tmp_path / 'run' / 'checkpoints' / 'best.ckpt'}",
        f"low={tmp_path / 'raw' / 'scan_1_low.tiff'}",
        f"high={tmp_path / 'raw' / 'scan_1_high.tiff'}",
        f"out={tmp_path / 'out'}",
    )
    assert code == 0, err
    manifest = pd.read_csv(tmp_path / "set" / "manifest.csv")
    pairs = manifest[manifest["scan"] == "scan_1"]
    sorted_ = {(cut.particle.x, cut.particle.y): cut for cut in seen}
    assert len(pairs) > 7
    for row in pairs.itertuples():
        low, high = read_pair(tmp_path / "set" / row.low, tmp_path / "set" / row.high)
        np.testing.assert_array_equal(sorted_[row.x, row.y].low, low)
        np.testing.assert_array_equal(sorted_[row.x, row.y].high, high)


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("crops", "registered"),
        ("mask", "threshold"),
        ("background", "air"),
        ("correct", True),
        ("split", True),
        ("convex", 0.5),
        ("neck", 0.5),
        ("min_area", 3_000),
    ],
)
def test_every_option_of_the_models_pairs_is_obeyed(
    command: Any,
    checkpoint: Any,
    layers: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    key: str,
    word: Any,
):
    used: list[Cutting] = []
    plain = Cutter
    monkeypatch.setattr(
        "oresort.runtime.sorter.Cutter", lambda *words, **more: used.append(words[1]) or plain(*words, **more)
    )
    cut = replace(RELEASED, **{key: word})
    code, _, err = command(sort, checkpoint(cut), *layers, f"out={tmp_path / 'out'}")
    assert code == 0, err
    assert used == [cut] != [RELEASED]


@pytest.mark.parametrize(
    ("cut", "words", "expected"),
    [
        (None, (), "does not know how its training pairs were cut; say crops="),
        (None, ("crops=released",), "say crops=registered or released, and mask="),
        (Cutting(), ("crops=released",), "cut with crops=registered; leave out crops="),
        (Cutting(), ("mask=threshold",), "cut with mask=noise; leave out mask="),
        (RELEASED, ("mask=noise",), "cut with mask=released; leave out mask="),
    ],
)
def test_unknown_and_contradicted_cutting_is_refused(
    command: Any,
    checkpoint: Any,
    layers: tuple[str, str],
    tmp_path: Path,
    cut: Cutting | None,
    words: tuple[str, ...],
    expected: str,
):
    code, _, err = command(sort, checkpoint(cut), *layers, *words, f"out={tmp_path / 'out'}")
    assert code == 1
    assert expected in errors(err)[0]
    assert not (tmp_path / "out").exists()


def test_what_the_model_knows_may_be_said_again(command: Any, checkpoint: Any, layers: tuple[str, str], tmp_path: Path):
    words = (checkpoint(RELEASED), "crops=released", "mask=released")
    assert command(sort, *words, *layers, f"out={tmp_path / 'out'}")[0] == 0


def test_how_pairs_were_cut_reaches_the_checkpoint(trained: Path):
    assert load_trained(trained / "checkpoints" / "best.ckpt").cut == RELEASED


def test_what_was_seen_in_training_reaches_the_checkpoint(trained: Path, dataset: Path):
    seen = load_trained(trained / "checkpoints" / "best.ckpt").seen
    sides = pd.read_csv(trained / "predictions.csv")["split"].value_counts()
    assert sum(seen["p_ore"]) == sides["val"]
    assert seen["pairs"]["r"]["pairs"] == 48 - sides.sum()
    known = seen["pairs"]["r"]
    assert 1.35 < known["least"] < known["greatest"] < 1.85  # quartiles of two classes at 1.4 and 1.8
    assert seen["scans"] == read_ranges(dataset) == {}


def test_a_model_that_does_not_know_its_training_scans_says_that_the_alarm_is_off(
    command: Any, checkpoint: Any, layers: tuple[str, str], tmp_path: Path
):
    words = checkpoint(RELEASED), *layers, f"out={tmp_path / 'out'}"
    content = torch.load(tmp_path / "model.ckpt", weights_only=True)
    assert content.pop("seen")
    torch.save(content, tmp_path / "model.ckpt")
    code, _, err = command(sort, *words)
    assert code == 0
    assert err.count("the drift alarm is off") == 1


def test_a_dataset_says_how_it_was_cut(command: Any, tmp_path: Path):
    made = tmp_path / "made"
    assert command(simulate, f"out={made}", "pairs=20", "background=air", "workers=1")[0] == 0
    cut = read_dataset(made)
    assert cut is not None
    assert (cut.crops, cut.mask, cut.background) == ("released", "threshold", "air")
    released = write_released(tmp_path / "released", count=12)
    assert read_dataset(released) == RELEASED
    assert read_dataset(write_manifest(released)) is None
    for known in (Cutting(neck=0.5), None):
        write_dataset(released, "oresort.prepare", known, scans={"air_low": AIR_LOW})
        assert read_dataset(released) == known
        assert read_ranges(released) == {"air_low": AIR_LOW}


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 2}', '{"version": 1}', '{"version": 1, "cut": {"crops": "round"}}'],
)
def test_a_damaged_description_is_refused(tmp_path: Path, content: str):
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(InputError, match=r"dataset\.json: not (of this version|JSON as it was written)"):
        read_dataset(tmp_path)


def test_another_cutting_is_another_run(compose_train: Callable[..., TrainConfig], tmp_path: Path):
    from oresort.learn.fit import train

    root = write_released(tmp_path / "set")
    cfg = compose_train(f"data.root={root}")
    train(cfg, tmp_path / "run")
    write_dataset(root, "oresort.prepare", Cutting())
    with pytest.raises(InputError, match=r"cut.*choose another out=DIR"):
        train(cfg, tmp_path / "run")
