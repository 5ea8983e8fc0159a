"""Particle pairs in the released layout: each layer cut by one box and masked by itself."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.belt.imaging import Shadow, Truth, cast, weigh
from oresort.belt.scan import Scene, Window, clip_window, expose
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


def simulate_crops(scene: Scene, keep_background: bool) -> list[Crop]:
    """Image each particle of a scene in its own window and cut it out, in the scene's order.

    The box is that of the low layer's mask; background is set to 0 unless `keep_background`.
    """
    beam = make_beam(scene.settings.kvp, scene.settings.stack)
    crops = []
    for particle, seed in zip(scene.particles, scene.seeds, strict=True):
        rng = np.random.default_rng(seed)
        shadow = cast(rng, particle, scene.settings, beam)
        (rows, columns), part = _surroundings(shadow)
        # noise for the window alone: a belt is mostly bare, and nobody would see that part of it
        counts = expose(rng, shadow.transmission[:, *part], scene, (rows.start, columns.start))
        masks = [_largest_part(foreground(layer, air)) for layer, air in zip(counts, scene.settings.air, strict=True)]
        ys, xs = (np.flatnonzero(masks[0].any(axis=axis)) for axis in (1, 0))
        box = (slice(ys[0], ys[-1] + 1), slice(xs[0], xs[-1] + 1))
        low, high = (
            layer[box] if keep_background else np.where(mask[box], layer[box], np.uint16(0))
            for layer, mask in zip(counts, masks, strict=True)
        )
        corner = int(columns.start + xs[0]), int(rows.start + ys[0])
        crops.append(Crop(low, high, *corner, weigh(shadow, particle.rock)))
    return crops


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest connected part of a mask (H, W), holes filled; all False if there is none."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    part = np.zeros(mask.shape, dtype=np.uint8)
    if outlines:
        cv2.drawContours(part, [max(outlines, key=cv2.contourArea)], 0, 1, cv2.FILLED)
    return part.astype(np.bool_)


def _surroundings(shadow: Shadow) -> tuple[Window, Window]:
    """Return `clip_window`, less the pixels so bright that no noise makes them part of a mask."""
    window, part = clip_window(shadow)
    dark = shadow.transmission[:, *part].min(axis=0) < _BRIGHT  # (h, w), in either layer
    ys, xs = (np.flatnonzero(dark.any(axis=axis)) for axis in (1, 0))

    def less(whole: slice, hit: NDArray[np.intp]) -> slice:
        return slice(whole.start + max(hit[0] - _RIM, 0), min(whole.start + hit[-1] + _RIM + 1, whole.stop))

    return (less(window[0], ys), less(window[1], xs)), (less(part[0], ys), less(part[1], xs))
