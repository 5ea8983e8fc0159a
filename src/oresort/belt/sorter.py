"""The sorter: geometry that never changes, and what drifts from scan to scan."""

from dataclasses import dataclass

import numpy as np

from oresort.belt.conditions import Conditions
from oresort.errors import InputError
from oresort.xray.detector import Stack
from oresort.xray.transmission import NOMINAL_AIR

LINES = 600  # of one scan
COLUMNS = 3328  # pixels of one line: 26 modules
MODULE = 128  # pixels of one detector module
BELT = (181, 2810)  # first column of the belt and the first beyond it; outside, the sorter writes 65,535
PIXEL = 0.38  # mm in the plane of the particles: a 0.4 mm pitch seen from 0.7 m, particles 2-4 cm above it
AXIS = 984.0  # column under the focal spot: the layers agree there
SHIFT = 0.27  # lines by which the high layer lags (scan 38)
SLOPE_PER_COLUMN = 0.4 / 700.0  # tangent of the ray's tilt per column off the axis: pitch over distance in mm


@dataclass(frozen=True)
class Settings:
    """What one scan was taken with.

    `air` are counts of the low and the high layer; a point at column x of the low layer lies at
    AXIS + scale (x - AXIS) of the high one, `shift` lines later.
    """

    kvp: float
    stack: Stack
    air: tuple[float, float]
    scale: float
    shift: float
    scatter: float  # relative to scan 38
    exposure: float  # quanta per pixel, relative to the paper's scan 38
    noise: float = 1.0  # deviation of pixel noise over that of the exposure
    blur: float = 0.0  # deviation of a Gaussian, in pixels, besides what scan 38 has


def draw_settings(rng: np.random.Generator, conditions: Conditions, drift: float) -> Settings:
    """Draw one scan's settings about the conditions of its sorter.

    `drift` scales all deviations from the calibrated sorter: 0 none, 1 as between the shifts of a mine (voltage +-2 %,
    air +-1 %, filters +-4 %, up to 1 mm of dust on the belt). InputError for a `drift` outside 0-1.
    """
    if not 0.0 <= drift <= 1.0:
        raise InputError(f"drift={drift:g}: choose from 0 (none) to 1")

    def about(sigma: float) -> float:
        return drift * sigma * float(np.clip(rng.standard_normal(), -2.0, 2.0))

    level = NOMINAL_AIR * (1.0 + about(0.005))
    return Settings(
        kvp=conditions.kvp * (1.0 + about(0.01)),
        stack=Stack(
            copper=conditions.filter * (1.0 + about(0.03)),
            film=drift * float(rng.uniform(0.0, 1.0)),
            front=conditions.front * (1.0 + about(0.02)),
            between=conditions.between * (1.0 + about(0.02)),
        ),
        air=(level + about(20.0), level + about(20.0)),
        scale=1.0 + conditions.magnification / 100 + about(0.0002),
        shift=SHIFT + about(0.08),
        scatter=1.0 + about(0.1),
        exposure=1.0 + about(0.03),
        noise=conditions.noise,
        blur=conditions.blur,
    )
