"""The sorter: geometry that never changes, and what drifts from scan to scan."""

from dataclasses import dataclass

import numpy as np

from oresort.errors import InputError
from oresort.xray.detector import Stack
from oresort.xray.transmission import NOMINAL_AIR

LINES = 600  # of one scan
COLUMNS = 3328  # pixels of one line: 26 modules
MODULE = 128  # pixels of one detector module
BELT = (181, 2810)  # first column of the belt and the first beyond it; outside, the sorter writes 65,535
PIXEL = 0.38  # mm in the plane of the particles: a 0.4 mm pitch seen from 0.7 m, particles 2-4 cm above it
AXIS = 984.0  # column under the focal spot: the layers agree there
SCALE = 1.00754  # of the high layer about the axis: it lies 0.75 % farther from the source (scan 38)
SHIFT = 0.27  # lines by which the high layer lags (scan 38)
SLOPE_PER_COLUMN = 0.4 / 700.0  # tangent of the ray's tilt per column off the axis: pitch over distance in mm

COPPER, FRONT, BETWEEN = 0.10, 0.24, 0.11
"""The sorter's own stack in mm (tube filter, front screen, filter between), fitted: with rocks as simulated here it
bends the ratio of attenuations with thickness as on scan 38. The front is 0.4 mm of screen packed at 60 %. Stack and
host rock trade off against each other in four rocks, so this is one of several that fit."""

KVP_RANGE = (140.0, 180.0)  # tube voltages that may be asked for; a scan's own may lie 2 % outside


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


def check_voltage(kvp: float) -> None:
    """Raise InputError for a tube voltage in kV outside `KVP_RANGE`."""
    lowest, highest = KVP_RANGE
    if not lowest <= kvp <= highest:
        raise InputError(f"kvp={kvp:g}: outside the tabulated spectra; choose from {lowest:g} to {highest:g} kV")


def draw_settings(rng: np.random.Generator, kvp: float, drift: float) -> Settings:
    """Draw one scan's settings about a tube voltage of `kvp` kV.

    `drift` scales all deviations from the calibrated sorter: 0 none, 1 as between the shifts of a mine (voltage +-2 %,
    air +-1 %, filters +-4 %, up to 1 mm of dust on the belt). InputError for a voltage outside `KVP_RANGE` or a `drift`
    outside 0-1.
    """
    check_voltage(kvp)
    if not 0.0 <= drift <= 1.0:
        raise InputError(f"drift={drift:g}: choose from 0 (none) to 1")

    def about(sigma: float) -> float:
        return drift * sigma * float(np.clip(rng.standard_normal(), -2.0, 2.0))

    level = NOMINAL_AIR * (1.0 + about(0.005))
    return Settings(
        kvp=kvp * (1.0 + about(0.01)),
        stack=Stack(
            copper=COPPER * (1.0 + about(0.03)),
            film=drift * float(rng.uniform(0.0, 1.0)),
            front=FRONT * (1.0 + about(0.02)),
            between=BETWEEN * (1.0 + about(0.02)),
        ),
        air=(level + about(20.0), level + about(20.0)),
        scale=SCALE + about(0.0002),
        shift=SHIFT + about(0.08),
        scatter=1.0 + about(0.1),
        exposure=1.0 + about(0.03),
    )
