"""What is written of a scan."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from oresort.belt import write_scans
from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.columns import Columns
from oresort.scan.cut import export
from oresort.scan.cut.crop import Cut
from oresort.scan.cut.export import _widened
from oresort.scan.prepare import PrepareConfig, prepare
from oresort.scan.segment.particle import Particle


def test_parts_of_one_box_get_names_of_their_own():

    flat = np.ones(9, np.float32)
    columns = [Columns(level, flat, flat, flat, flat < 0) for level in (50_000.4, 40_000.0)]
    calibration = Calibration(slice(0, 9), *columns, None)
    crop = np.full((2, 3), 7, np.uint16)
    cut = Cut(Particle(1, 2, 3, 2, False, np.ones((2, 3), np.bool_)), crop, crop, 1.0, 1.0, 1.0)
    for options, last in (
        (Cutting(background="zero"), (0, 0)),
        (Cutting(background="air"), (50_000, 50_000)),
        (Cutting(background="air", correct=False), (50_000, 40_000)),
    ):
        wider = _widened(cut, calibration, options)
        assert wider.particle == replace(cut.particle, w=4)
        assert not wider.particle.mask[:, 3].any()
        for layer, level in zip((wider.low, wider.high), last, strict=True):
            assert layer.tolist() == [[7, 7, 7, level]] * 2


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("damaged", [False, True])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool):
    (tmp_path / "raw").mkdir()
    write_scans(tmp_path / "raw", scans=1, seed=5, particles=12)
    monkeypatch.setattr(export, "write_pair", full)
    if damaged:  # at its end, so that crops wait to be written by then
        path = next((tmp_path / "raw").glob("*_low.tiff"))
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            place, count = page.dataoffsets[-9], page.databytecounts[-9]
        data = bytearray(path.read_bytes())
        data[place : place + count] = b"\xff" * count
        path.write_bytes(data)
    cfg = PrepareConfig(scans=str(tmp_path / "raw"), out=str(tmp_path / "set"), crops="released", label="ore")
    with pytest.raises(InputError, match="no scan could be prepared" if damaged else "No space left on device"):
        prepare(cfg)
    assert not (tmp_path / "set").exists()
