"""Find a scan's calibration from the scan itself: belt, columns, and how the layers overlie."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.lines import LayerReader, PairReader
from oresort.scan.calibrate.air import air_level
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.columns import find_belt, measure_columns
from oresort.scan.calibrate.correct import Corrector
from oresort.scan.calibrate.register import (
    DIFFERENT,
    EXCHANGED,
    LEAST_RATIO,
    LayersDifferError,
    Registration,
    fit_registration,
)
from oresort.scan.segment.mask import noise_cover
from oresort.scan.segment.particle import Particle
from oresort.scan.segment.regions import Regions
from oresort.scan.segment.split import is_convex
from oresort.xray.transmission import FULL_SCALE, NOMINAL_AIR

_STRETCHES, _LINES = 4, 300  # of a sample: many whole particles fit into one
# share of the convex hull from which a region serves for registration; stricter than where crops are cut: rocks at
# two heights, seen as one, misguide the fit
_SINGLE = 0.94
_DRIFT = 0.03  # a thin rim attenuates 0.05: air that is off as much would be one
_SEEN = 0.3  # high over low attenuation: 0.5-0.7 of rock, 0.1 where the high layer is of another scan

Images = tuple[NDArray[np.uint16], NDArray[np.uint16]]
"""Of both layers, any height, (H, W) in counts."""


class Sample(NamedTuple):
    """What registration is fitted to: corrected layers (H, W) in counts and the single particles on them."""

    low: NDArray[np.uint16]
    high: NDArray[np.uint16]
    particles: list[Particle]


def _read_sample(reader: LayerReader) -> list[NDArray[np.uint16]]:
    """Return four stretches of 300 lines, evenly over a scan; all of it if it is no longer than that."""
    if reader.height <= _LINES * _STRETCHES:
        return [reader.read(0, reader.height)]
    # evenly, since air may drift along a scan
    starts = np.linspace(0, reader.height - _LINES, _STRETCHES).astype(int).tolist()
    return [reader.read(start, start + _LINES) for start in starts]


def calibrate_scan(reader: PairReader, *, needed: bool = True) -> Calibration:
    """Calibrate a scan by itself: its columns, and how its layers overlie.

    Raises:
        InputError: as `measure_scan`, of layers that differ, or with too few particles; where these are not
            `needed`, the registration is left unknown then.
    """
    calibration, sample = measure_scan(reader)
    try:
        return replace(calibration, registration=fit_samples([sample]))
    except LayersDifferError as error:
        raise InputError(f"{reader.low.path}: {error}") from error
    except InputError as error:
        if needed:
            raise InputError(f"{reader.low.path}: {error}, or calibration=FILE") from error
        return calibration


def measure_scan(
    reader: PairReader, air: Images | None = None, dark: Images | None = None
) -> tuple[Calibration, Sample]:
    """Measure a scan's columns; the registration is still None, and the sample is what it is fitted to.

    Raises:
        InputError: a scan without air (empty file, dark, saturated ...) or without a belt both layers see.
    """
    stretches = _read_sample(reader.low), _read_sample(reader.high)
    low, high = (np.concatenate(layer) for layer in stretches)  # (H, W)
    belt = find_belt(low, high)
    none = None, None
    # without a belt both layers are measured whole, for these errors say what is wrong: dark, saturated, empty
    columns = [
        measure_columns(counts, belt if belt.stop > belt.start else slice(0, reader.width), str(layer.path), *images)
        for counts, layer, *images in zip(
            (low, high), (reader.low, reader.high), air or none, dark or none, strict=True
        )
    ]
    if belt.stop - belt.start < 2:
        raise InputError(f"{reader.low.path}: no columns that both layers see; give two layers of one scan")
    calibration = Calibration(belt, columns[0], columns[1], None)
    flat = [Corrector(layer, belt)(counts) for counts, layer in zip((low, high), columns, strict=True)]  # (H, belt)
    lengths = [len(stretch) for stretch in stretches[0]]
    particles = _single_particles(flat[0], columns[0].noise[belt], belt, lengths)
    for counts, layer in zip((low, high), flat, strict=True):
        # at one air level for all scans, so that samples can be pooled
        counts[:] = FULL_SCALE  # the mark of what is beside the belt; no pixel of the belt may bear it
        counts[:, belt] = np.rint(layer * np.float32(NOMINAL_AIR)).clip(1, FULL_SCALE - 1)
    return calibration, Sample(low, high, particles)


def check_scan(reader: PairReader, calibration: Calibration) -> None:
    """Refuse a scan that a given calibration does not fit: every mask rests on its air level.

    Raises:
        InputError: another width, no air, air that is 3 % and more off the calibration's, or layers that differ.
    """
    calibration.check_width(reader.width, str(reader.low.path))
    layers = []
    for layer, columns in ((reader.low, calibration.low), (reader.high, calibration.high)):
        counts = np.concatenate(_read_sample(layer))
        layers.append(Corrector(columns, calibration.belt)(counts))
        flat = np.rint(layers[-1] * np.float32(NOMINAL_AIR)).clip(0, FULL_SCALE)
        air = air_level(flat.astype(np.uint16), str(layer.path)) / NOMINAL_AIR
        if abs(air - 1) > _DRIFT:
            raise InputError(
                f"{layer.path}: its air is {air:.2f} of the calibration's; calibrate anew (calibration=null)"
            )
    covered = noise_cover(layers[0], 1.0, calibration.low.noise[calibration.belt]).strong.view(np.bool_)
    if np.count_nonzero(covered) < Cutting.min_area:  # without a particle nothing tells the layers apart
        return
    low, high = (float(-np.log(np.maximum(layer[covered], np.float32(1e-3))).mean()) for layer in layers)
    # without registration as well, most of what one layer covers the other does
    if high < _SEEN * low:
        raise LayersDifferError(f"{reader.low.path}: {DIFFERENT}")
    if low <= LEAST_RATIO * high:
        raise LayersDifferError(f"{reader.low.path}: {EXCHANGED}")


def fit_samples(samples: Sequence[Sample]) -> Registration:
    """Fit the layers' registration to the particles of one or many scans of one width; errors as `fit_registration`."""
    particles: list[Particle] = []
    top = 0
    for sample in samples:
        particles += [replace(particle, y=particle.y + top) for particle in sample.particles]
        top += len(sample.low)
    low = np.concatenate([sample.low for sample in samples])
    high = np.concatenate([sample.high for sample in samples])
    return fit_registration(low, high, particles, NOMINAL_AIR, NOMINAL_AIR)


def _single_particles(
    transmission: NDArray[np.float32], noise: NDArray[np.float32], belt: slice, lengths: list[int]
) -> list[Particle]:
    single, top = [], 0
    # one by one: the lines where two stretches meet are no neighbours on the belt
    for length in lengths:
        cover = noise_cover(transmission[top : top + length], 1.0, noise)  # (H, W) each
        for region in Regions().ended(cover.weak, cover.strong, last=True):
            # those clipped by a border serve as well: what is missing of them is missing in both layers
            if is_convex(region.mask, _SINGLE):
                h, w = region.mask.shape
                single.append(Particle(region.x + belt.start, region.y + top, w, h, region.clipped, region.mask))
        top += length
    return single
