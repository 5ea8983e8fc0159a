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

STRETCH = 300
"""Lines of one stretch of a sample: many whole particles fit."""

_STRETCHES = 4
_SINGLE = 0.94
"""Share of the convex hull from which a region serves for registration. Stricter than where crops are cut: rocks
at two heights, seen as one, misguide the fit."""

_DRIFT = 0.03  # a thin rim attenuates 0.05: air that is off as much would be one
_SEEN = 0.3  # high over low attenuation: 0.5-0.7 of rock, 0.1 where the high layer is of another scan


class Sample(NamedTuple):
    """What registration is fitted to: corrected layers (H, W) in counts and the single particles on them."""

    low: NDArray[np.uint16]
    high: NDArray[np.uint16]
    particles: list[Particle]


class Reference(NamedTuple):
    """Images (H, W) of the bare belt, and without X-rays, for both layers; None where not taken."""

    air: tuple[NDArray[np.uint16], NDArray[np.uint16]] | None = None
    dark: tuple[NDArray[np.uint16], NDArray[np.uint16]] | None = None


def read_sample(reader: LayerReader) -> list[NDArray[np.uint16]]:
    """Return four stretches of 300 lines, evenly over a scan; all of it if it is no longer than that."""
    if reader.height <= STRETCH * _STRETCHES:
        return [reader.read(0, reader.height)]
    starts = np.linspace(0, reader.height - STRETCH, _STRETCHES).astype(int)
    return [reader.read(int(start), int(start) + STRETCH) for start in starts]


def calibrate_scan(reader: PairReader, reference: Reference | None = None, *, needed: bool = True) -> Calibration:
    """Calibrate a scan by itself: its columns, and how its layers overlie.

    Args:
        reader: the scan.
        reference: images of air and dark, where taken.
        needed: False leaves the registration unknown where there are too few particles for it.

    Raises:
        InputError: a scan without air (empty file, dark, saturated ...), without a belt that both layers see,
            of layers that differ, or, where `needed`, with too few particles.
    """
    calibration, sample = measure_scan(reader, reference)
    try:
        return replace(calibration, registration=fit_samples([sample]))
    except LayersDifferError as error:
        raise InputError(f"{reader.low.path}: {error}") from error
    except InputError as error:
        if needed:
            raise InputError(f"{reader.low.path}: {error}, or calibration=FILE") from error
        return calibration


def measure_scan(reader: PairReader, reference: Reference | None = None) -> tuple[Calibration, Sample]:
    """Measure a scan's columns; the registration is still None, and the sample is what it is fitted to.

    Raises:
        InputError: a scan without air (empty file, dark, saturated ...) or without a belt both layers see.
    """
    reference = reference or Reference()
    stretches = read_sample(reader.low), read_sample(reader.high)
    low, high = (np.concatenate(layer) for layer in stretches)
    belt = find_belt(low, high)
    columns = [
        measure_columns(
            counts,
            belt if belt.stop > belt.start else slice(0, counts.shape[1]),
            str(layer.path),
            None if reference.air is None else reference.air[index],
            None if reference.dark is None else reference.dark[index],
        )
        for index, (counts, layer) in enumerate(((low, reader.low), (high, reader.high)))
    ]
    if belt.stop - belt.start < 2:
        raise InputError(f"{reader.low.path}: no columns that both layers see; give two layers of one scan")
    calibration = Calibration(belt, columns[0], columns[1], None)
    flat = [Corrector(layer, belt)(counts) for counts, layer in zip((low, high), columns, strict=True)]
    lengths = [len(stretch) for stretch in stretches[0]]
    particles = _single_particles(flat[0], columns[0].noise[belt], belt, lengths)
    low, high = (_counts(layer, belt, low.shape) for layer in flat)
    return calibration, Sample(low, high, particles)


def _counts(transmission: NDArray[np.float32], belt: slice, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """Return counts (H, W) at one air level for all scans, so that samples can be pooled."""
    counts = np.full(shape, FULL_SCALE, np.uint16)
    counts[:, belt] = np.rint(transmission * np.float32(NOMINAL_AIR)).clip(1, FULL_SCALE - 1)
    return counts


def check_scan(reader: PairReader, calibration: Calibration) -> None:
    """Refuse a scan that a given calibration does not fit: every mask rests on its air level.

    Raises:
        InputError: another width, a scan without air, or one whose air is 3 % and more off the calibration's.
        LayersDifferError: the layers do not show the same particles, or are exchanged.
    """
    calibration.check_width(reader.width, str(reader.low.path))
    layers = []
    for layer, columns in ((reader.low, calibration.low), (reader.high, calibration.high)):
        counts = np.concatenate(read_sample(layer))
        layers.append(Corrector(columns, calibration.belt)(counts))
        flat = np.rint(layers[-1] * np.float32(NOMINAL_AIR)).clip(0, FULL_SCALE)
        air = air_level(flat.astype(np.uint16), str(layer.path)) / NOMINAL_AIR
        if abs(air - 1) > _DRIFT:
            raise InputError(
                f"{layer.path}: its air is {air:.2f} of the calibration's; calibrate anew (calibration=null)"
            )
    covered = noise_cover(layers[0], 1.0, calibration.low.noise[calibration.belt]).strong.view(np.bool_)
    if np.count_nonzero(covered) < Cutting.min_area:
        return
    low, high = (float(-np.log(np.maximum(layer[covered], np.float32(1e-3))).mean()) for layer in layers)
    # without registration as well, most of what one layer covers the other does
    if high < _SEEN * low:
        raise LayersDifferError(f"{reader.low.path}: {DIFFERENT}")
    if low <= LEAST_RATIO * high:
        raise LayersDifferError(f"{reader.low.path}: {EXCHANGED}")


def fit_samples(samples: Sequence[Sample]) -> Registration:
    """Fit the layers' registration to the particles of one or many scans, all of one width.

    Raises:
        InputError: as `fit_registration`.
    """
    if not samples:
        raise InputError("no scan to register the layers by; give one with particles on it")
    particles, top = [], 0
    for sample in samples:
        particles += [Particle(p.x, p.y + top, p.w, p.h, p.clipped, p.mask) for p in sample.particles]
        top += len(sample.low)
    low = np.concatenate([sample.low for sample in samples])
    high = np.concatenate([sample.high for sample in samples])
    return fit_registration(low, high, particles, NOMINAL_AIR, NOMINAL_AIR)


def _single_particles(
    transmission: NDArray[np.float32], noise: NDArray[np.float32], belt: slice, lengths: list[int]
) -> list[Particle]:
    single, top = [], 0
    for length in lengths:
        lines = transmission[top : top + length]
        cover = noise_cover(lines, 1.0, noise)  # (H, W) each
        for region in Regions().ended(cover.weak, cover.strong, last=True):
            # those clipped by a border serve as well: what is missing of them is missing in both layers
            if is_convex(region.mask, _SINGLE):
                height, width = region.mask.shape
                single.append(
                    Particle(region.x + belt.start, region.y + top, width, height, region.clipped, region.mask)
                )
        top += length
    return single
