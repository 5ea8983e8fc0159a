"""Lines pushed into a Sorter: the same decisions however they come, and nothing taken of lines that are refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from oresort.belt import write_scans
from oresort.errors import InputError
from oresort.files.dataset import RELEASED, Cutting
from oresort.files.lines import PairReader
from oresort.learn.checkpoint import load_trained
from oresort.learn.trained import Trained
from oresort.runtime import Decision, Policy, Sorter
from oresort.runtime.asking import DriftWarning
from oresort.scan import Cutter, calibrate_scan, save_calibration
from oresort.scan.calibrate.calibration import Calibration

Lines = np.ndarray


@pytest.fixture(scope="module")
def model(trained: Path) -> Trained:
    return load_trained(trained)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lines, Lines, Calibration]:
    """Both layers of a simulated scan of some twenty particles, and its calibration."""
    folder = tmp_path_factory.mktemp("scan")
    write_scans(folder, scans=1, seed=3, particles=24)
    with PairReader(folder / "scan_1_low.tiff", folder / "scan_1_high.tiff") as reader:
        calibration = calibrate_scan(reader)
        return reader.low.read(0, reader.height), reader.high.read(0, reader.height), calibration


def sorted_in(sorter: Sorter, low: Lines, high: Lines, ends: list[int]) -> list[Decision]:
    found: list[Decision] = []
    for start, stop in zip([0, *ends], [*ends, len(low)], strict=True):
        found += sorter.push(low[start:stop], high[start:stop])
    return found + sorter.finish()


def test_decisions_are_the_same_to_the_bit_for_every_chunking(model: Trained, scan: tuple[Lines, Lines, Calibration]):
    low, high, calibration = scan
    rng = np.random.default_rng(0)
    whole = sorted_in(Sorter(model, calibration), low, high, [])
    assert len(whole) > 15
    for ends in (
        list(range(1, len(low))),
        [33, 33, 34, 500],
        sorted(rng.integers(0, len(low), 9).tolist()),
    ):
        sorter = Sorter(model, calibration)
        assert sorted_in(sorter, low, high, ends) == whole
        assert (sorter.lines, sorter.lines_lost) == (len(low), 0)


def test_a_decision_is_what_the_cutter_cut_and_the_model_says_of_it(
    model: Trained, scan: tuple[Lines, Lines, Calibration]
):
    low, high, calibration = scan
    cutter = Cutter(calibration, RELEASED)
    cuts = cutter.push(low, high) + cutter.finish()
    sorter = Sorter(model, calibration, Policy(clipped="drop"), threshold=0.0)
    made = sorter.push(low, high)
    assert max(row.particle.y + row.particle.h for row in made) <= len(low) - sorter.lookahead + 64
    made += sorter.finish()
    with pytest.warns(DriftWarning, match="R of the particles"):
        p_ore = model.predict([cut.low for cut in cuts], [cut.high for cut in cuts], air=calibration.low.level)
    np.testing.assert_allclose([row.p_ore for row in made], p_ore, atol=1e-6)
    for row, cut in zip(made, cuts, strict=True):
        assert row.particle == cut.particle
        assert row.box == (slice(cut.particle.y, cut.particle.y + cut.particle.h), row.box[1])
        np.testing.assert_array_equal(row.particle.mask, cut.particle.mask)
        assert row.area == cut.particle.mask.sum()
        assert (row.mass_proxy, row.low_mean, row.high_mean) == (cut.mass_proxy, cut.low_mean, cut.high_mean)
        assert ("clipped" in row.flags) == cut.particle.clipped
        expected = ("waste", "policy:clipped") if cut.particle.clipped else ("ore", "threshold")
        assert cut.particle.faulty or (row.decision, row.reason) == expected


def test_a_belt_that_was_finished_takes_no_more_lines(model: Trained, scan: tuple[Lines, Lines, Calibration]):
    low, high, calibration = scan
    sorter = Sorter(model, calibration)
    sorter.push(low, high)
    sorter.finish()
    assert sorter.finish() == []
    for lines in (low, low[:1], low[:0]):
        with pytest.raises(InputError, match="the belt was finished; begin another one"):
            sorter.push(lines, high[: len(lines)])
    assert sorter.lines == len(low)


def test_lines_that_are_refused_leave_no_trace(model: Trained, scan: tuple[Lines, Lines, Calibration]):
    low, high, calibration = scan
    sorter = Sorter(model, calibration)
    found = sorter.push(low[:40], high[:40])
    for bad, says in (
        ((low[40:90], high[40:80]), "50 lines of the low layer and 40 of the high one"),
        ((low[40:90, :-1], high[40:90]), "columns but the calibration has"),
        ((low[40:90].astype(np.float32), high[40:90]), "low layer: float32"),
        ((low[40:90], high[40:90].astype(np.uint8)), "high layer: uint8"),
        ((low[40], high[40]), r"low layer: uint16 \(\d+,\)"),
    ):
        with pytest.raises(InputError, match=says):
            sorter.push(*bad)
    found += sorter.push(low[40:], high[40:]) + sorter.finish()
    assert found == sorted_in(Sorter(model, calibration), low, high, [])


def test_what_a_sorter_cannot_begin_with_is_refused(
    model: Trained, scan: tuple[Lines, Lines, Calibration], tmp_path: Path
):
    calibration = scan[2]
    save_calibration(tmp_path / "c.json", calibration)
    assert Sorter(model, tmp_path / "c.json").cut == RELEASED
    for threshold in (-0.1, 1.5, float("nan"), True):
        with pytest.raises(InputError, match="not a probability"):
            Sorter(model, calibration, threshold=threshold)
    with pytest.raises(InputError, match="nowhere"):
        Sorter(model, tmp_path / "nowhere.json")
    unknown = Trained(**{**vars(model), "cut": None})
    with pytest.raises(InputError, match="does not know how its training pairs were cut"):
        Sorter(unknown, calibration)
    assert Sorter(unknown, calibration, cut=Cutting(mask="threshold")).cut.mask == "threshold"


def test_what_takes_long_to_load_is_loaded_before_the_first_line_and_not_with_the_import():
    code = """
import sys
from oresort.runtime import OnnxModel, Sorter
from oresort.scan import Cutter
slow = "scipy.ndimage", "skimage.segmentation", "scipy.spatial"
print(*(name in sys.modules for name in slow))
Cutter.__init__.__globals__["load_libraries"]()
print(*(name in sys.modules for name in slow))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 3 + ["True"] * 3
