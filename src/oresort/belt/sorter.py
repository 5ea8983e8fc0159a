"""The sorter: geometry that never changes, and what drifts from scan to scan."""

from dataclasses import dataclass

import numpy as np

from oresort.errors import InputError
from oresort.xray.beam import Beam, make_beam
from oresort.xray.detector import Stack
from oresort.xray.transmission import NOMINAL_AIR
from oresort.xray.tube import voltage_range

LINES = 600
"""Lines of one scan."""

COLUMNS = 3328
"""Pixels of one line: 26 modules of 128."""

BELT = (181, 2810)
"""First column of the belt and the first beyond it; outside, the sorter writes 65,535."""

PIXEL = 0.38
"""Pixel in the plane of the particles, in mm: a 0.4 mm pitch seen from 0.7 m, particles 2-4 cm above it."""

AXIS = 984.0
"""Column under the focal spot: the layers agree there."""

SLOPE_PER_COLUMN = 0.4 / 700.0
"""Tangent of the ray's tilt per column off the axis: pitch over source-detector distance in mm."""

KVP_RANGE = (140.0, 180.0)
"""Tube voltages that may be asked for, in kV; a scan's own may lie 2 % outside."""


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
    scatter: float
    exposure: float  # quanta per pixel, relative to the paper's scan 38


def check_kvp(kvp: float) -> None:
    """Raise InputError unless `kvp` is in `KVP_RANGE`."""
    low, high = KVP_RANGE
    if not low <= kvp <= high:
        table = "{:g}-{:g}".format(*voltage_range())
        raise InputError(
            f"kvp={kvp:g}: choose from {low:g} to {high:g} kV (the spectra reach {table} with drift)"
        )


def draw_settings(rng: np.random.Generator, kvp: float) -> Settings:
    """Draw one scan's drift about a tube voltage of `kvp` kV; InputError outside `KVP_RANGE`."""
    check_kvp(kvp)
    actual = kvp * (1.0 + float(np.clip(rng.normal(0, 0.01), -0.02, 0.02)))
    stack = Stack(
        copper=float(rng.uniform(0.2, 0.35)),
        film=float(rng.uniform(0.0, 1.0)),
        front=0.24 * float(rng.normal(1.0, 0.02)),
        between=1.2 * float(rng.normal(1.0, 0.02)),
    )
    drift = NOMINAL_AIR * (1.0 + float(np.clip(rng.normal(0, 0.005), -0.01, 0.01)))
    return Settings(
        kvp=actual,
        stack=stack,
        air=(drift + float(rng.normal(0, 20)), drift + float(rng.normal(0, 20))),
        scale=1.00754 + float(rng.normal(0, 0.0002)),
        shift=float(np.clip(rng.normal(0.27, 0.08), 0.0, 0.5)),
        scatter=float(rng.uniform(0.01, 0.03)),
        exposure=float(rng.normal(1.0, 0.03)),
    )


def scan_beam(settings: Settings) -> Beam:
    """Return the beam of one scan's tube and detector."""
    return make_beam(settings.kvp, settings.stack)
