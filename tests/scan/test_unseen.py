"""Where the low layer shows nothing, nothing is known to be bare: no air of the high layer is taken from there."""

import numpy as np
import pytest
import tifffile
from ellipses import scan_of

from oresort.files.lines import PairReader
from oresort.scan.calibrate.adjust import adjust_calibration
from oresort.scan.calibrate.measure import calibrate_scan
from oresort.scan.cut.cutter import cut_scan

UNDER, BESIDE = (420, 190, 60, 40), (960, 190, 40, 30)
OTHERS = [(130, 60, 30, 22), (700, 80, 25, 30), (1250, 100, 28, 28), (250, 330, 30, 22), (1100, 320, 25, 25)]
MODULE = slice(340, 500)


def counts(layer):
    ellipses = [UNDER, BESIDE, *OTHERS]
    return scan_of(ellipses, height=400, width=1400, beside=60, peak=(1.4, 0.9)[layer], seed=layer)


def cut(folder, low, high, calibration=None):
    for name, layer in (("low", low), ("high", high)):
        tifffile.imwrite(folder / f"a_{name}.tiff", layer)
    with PairReader(folder / "a_low.tiff", folder / "a_high.tiff") as reader:
        found = calibrate_scan(reader) if calibration is None else adjust_calibration(reader, calibration)
        return found, list(cut_scan(reader, found))


def beside(cuts):
    (one,) = [c for c in cuts if abs(c.particle.x + c.particle.w / 2 - BESIDE[0]) < 9 and c.particle.y > 120]
    assert not one.particle.faulty
    return one


@pytest.mark.parametrize("known", [False, True], ids=["of the scan", "of before"])
@pytest.mark.parametrize("lines", [slice(None), slice(120, 400)], ids=["always", "from a line on"])
def test_a_module_that_reads_air_does_not_make_rock_under_it_bare(tmp_path, lines, known):
    low, high = counts(0), counts(1)
    calibration, cuts = cut(tmp_path, low, high)
    stuck = low.copy()
    stuck[lines, MODULE] = 52_350
    _, found = cut(tmp_path, stuck, high, calibration if known else None)
    mine, theirs = beside(cuts), beside(found)
    for layer in ("low", "high"):
        one, other = (np.log(getattr(c, layer)[c.particle.mask].astype(float)).mean() for c in (mine, theirs))
        assert one == pytest.approx(other, abs=0.004), layer
