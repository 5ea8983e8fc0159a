"""Particle pairs in the released layout: each layer cut by one box and masked by itself."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oresort.belt.imaging import cast
from oresort.belt.noise import add_noise
from oresort.belt.scan import Scene, clip_window, expected_counts
from oresort.belt.truth import Truth, weigh
from oresort.xray.beam import make_beam
from oresort.xray.transmission import foreground


class Crop(NamedTuple):
    """One pair: `low`, `high` uint16 (h, w), background 0 or air; its corner (x, y) in the scan; its truth."""

    low: NDArray[np.uint16]
    high: NDArray[np.uint16]
    x: int
    y: int
    truth: Truth


def largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest connected part of a mask (H, W), holes filled; all False if there is none."""
    parts, count = ndimage.label(mask)
    if count == 0:
        return mask
    part = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return np.asarray(ndimage.binary_fill_holes(part))


def simulate_crops(scene: Scene, keep_background: bool = False) -> list[Crop]:
    """Image each particle of a scene in its own window and cut it out, in the scene's order.

    The box is that of the low layer's mask; background is set to 0 unless `keep_background`.
    """
    beam = make_beam(scene.settings.kvp, scene.settings.stack)
    crops = []
    for particle, seed in zip(scene.particles, scene.seeds, strict=True):
        rng = np.random.default_rng(seed)
        shadow = cast(rng, particle, scene.settings, beam)
        window, part = clip_window(shadow)
        expected = expected_counts(shadow.transmission[:, *part], scene.settings)
        origin = (window[0].start, window[1].start)
        counts = add_noise(rng, expected, scene.pattern, origin, scene.settings.exposure)
        masks = [
            largest_part(foreground(layer, air))
            for layer, air in zip(counts, scene.settings.air, strict=True)
        ]
        rows, columns = np.flatnonzero(masks[0].any(axis=1)), np.flatnonzero(masks[0].any(axis=0))
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        low, high = (
            layer[box] if keep_background else np.where(mask[box], layer[box], np.uint16(0))
            for layer, mask in zip(counts, masks, strict=True)
        )
        corner = (int(origin[1] + columns[0]), int(origin[0] + rows[0]))
        crops.append(Crop(low, high, *corner, weigh(shadow, particle.rock)))
    return crops
