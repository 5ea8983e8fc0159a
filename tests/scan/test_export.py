"""What is written of a scan."""

from dataclasses import replace

import numpy as np

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.columns import Columns
from oresort.scan.cut.crop import Cut
from oresort.scan.cut.export import _widened
from oresort.scan.segment.particle import Particle


def test_parts_of_one_box_get_names_of_their_own():

    flat = np.ones(9, np.float32)
    columns = [Columns(level, flat, flat, flat, flat < 0) for level in (50_000.4, 40_000.0)]
    calibration = Calibration(slice(0, 9), *columns, None)
    crop = np.full((2, 3), 7, np.uint16)
    cut = Cut(Particle(1, 2, 3, 2, False, np.ones((2, 3), np.bool_)), crop, crop, 1.0, 1.0, 1.0, 0.0)
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
