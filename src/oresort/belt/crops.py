"""Particle pairs in the released layout: each layer cut by one box and masked by itself."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.belt.imaging import Shadow, cast
from oresort.belt.noise import add_noise
from oresort.belt.scan import Scene, clip_window, expected_counts
from oresort.belt.truth import Truth, weigh
from oresort.represent.mask import foreground
from oresort.xray.beam import make_beam

_BRIGHT = 0.95  # of air; the smoothed noise of air deviates by 1.5 %, the masks begin at 0.838
_RIM = 4  # pixels around them, the reach of the masks' smoothing


class Crop(NamedTuple):
    """One pair: `low`, `high` uint16 (h, w), background 0 or air; its corner (x, y) in the scan; its truth."""

    low: NDArray[np.uint16]
    high: NDArray[np.uint16]
    x: int
    y: int
    truth: Truth


def largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest connected part of a mask (H, W), holes filled; all False if there is none."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    part = np.zeros(mask.shape, dtype=np.uint8)
    if outlines:
        cv2.drawContours(part, [max(outlines, key=cv2.contourArea)], 0, 1, cv2.FILLED)
    return part.astype(np.bool_)


def simulate_crops(scene: Scene, keep_background: bool = False) -> list[Crop]:
    """Image each particle of a scene in its own window and cut it out, in the scene's order.

    The box is that of the low layer's mask; background is set to 0 unless `keep_background`.
    """
    beam = make_beam(scene.settings.kvp, scene.settings.stack)
    crops = []
    for particle, seed in zip(scene.particles, scene.seeds, strict=True):
        rng = np.random.default_rng(seed)
        shadow = cast(rng, particle, scene.settings, beam)
        window, part = _surroundings(shadow)
        expected = expected_counts(shadow.transmission[:, *part], scene.settings)
        origin = (window[0].start, window[1].start)
        counts = add_noise(rng, expected, scene.pattern, origin, scene.settings.exposure)
        masks = [largest_part(foreground(layer, air)) for layer, air in zip(counts, scene.settings.air, strict=True)]
        rows, columns = np.flatnonzero(masks[0].any(axis=1)), np.flatnonzero(masks[0].any(axis=0))
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        low, high = (
            layer[box] if keep_background else np.where(mask[box], layer[box], np.uint16(0))
            for layer, mask in zip(counts, masks, strict=True)
        )
        corner = (int(origin[1] + columns[0]), int(origin[0] + rows[0]))
        crops.append(Crop(low, high, *corner, weigh(shadow, particle.rock)))
    return crops


def _surroundings(shadow: Shadow) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return `clip_window`, less the pixels so bright that no noise makes them part of a mask."""
    (rows, columns), (own_rows, own_columns) = clip_window(shadow)
    dark = shadow.transmission[:, own_rows, own_columns].min(axis=0) < _BRIGHT
    cut = []
    for axis, whole in ((1, rows), (0, columns)):
        hit = np.flatnonzero(dark.any(axis=axis))
        first, last = max(hit[0] - _RIM, 0), min(hit[-1] + _RIM + 1, whole.stop - whole.start)
        cut.append((int(first), int(last)))
    part = tuple(slice(own.start + a, own.start + b) for own, (a, b) in zip((own_rows, own_columns), cut, strict=True))
    window = tuple(slice(on.start + a, on.start + b) for on, (a, b) in zip((rows, columns), cut, strict=True))
    return (window[0], window[1]), (part[0], part[1])
