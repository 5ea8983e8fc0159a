"""Where in a particle's picture something lies: inside, on the rim, on the outline, on the bare belt."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError

RIM = 3.0
"""Detector pixels: the depth of the rim, and the width of the outline around the particle."""

REGIONS = ("inside", "rim", "outline", "belt")
"""Deeper than the rim in both layers; the particle's outermost pixels in either; those around it; all beyond."""

Regions = NDArray[np.uint8]


def check_masks(low: NDArray[np.bool_], high: NDArray[np.bool_]) -> None:
    """Raise InputError for a crop's masks (H, W) that tell no inside from an outside."""
    for layer, mask in (("low", low), ("high", high)):
        if not mask.any():
            raise InputError(f"has no pixel of a particle in its {layer} layer")
        if mask.all():
            raise InputError(f"has no mask: its {layer} layer is particle up to every border, so no outline is known")


def regions(low: NDArray[np.bool_], high: NDArray[np.bool_], rim: float = RIM) -> Regions:
    """Return the number in `REGIONS` of every pixel (H, W) of a pair with these masks (H, W) of its layers.

    Layers that do not overlie have two outlines: only what is deep in both is inside, and the rim reaches from there to
    the outer one. Beyond the picture is belt.
    """
    depth = np.minimum(_depth(low), _depth(high))
    around = cv2.distanceTransform((~(low | high)).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    found = np.full(low.shape, REGIONS.index("belt"), np.uint8)
    found[around <= rim] = REGIONS.index("outline")
    found[low | high] = REGIONS.index("rim")
    found[depth > rim] = REGIONS.index("inside")
    return found


def _depth(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    padded = np.pad(mask.astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1], np.float32)


class Shares(NamedTuple):
    """How a map's relevance lies, by region of `REGIONS`; float64, NaN where it is undefined."""

    mass: NDArray[np.float64]  # (4,): of all positive relevance, the share in the region: relevance mass accuracy
    rank: NDArray[np.float64]  # (4,): of the most relevant pixels, as many as it has, the share in it: rank accuracy
    area: NDArray[np.float64]  # (4,): of all pixels: what mass and rank would be if the map were blind


def relevance_shares(relevance: NDArray[np.float32], where: Regions) -> Shares:
    """Return how relevance (H, W), what is above 0 in it, lies in the regions (H, W) of a particle.

    Of pixels that are alike relevant none comes first: each counts in part. Arras, Osman and Samek, Information Fusion
    81 (2022) 14. A map without positive relevance has no shares, and a region without pixels no rank.
    """
    positive = np.maximum(relevance.astype(np.float64), 0.0).ravel()
    inside = np.stack([where.ravel() == number for number in range(len(REGIONS))])  # (4, H * W)
    counts, total = inside.sum(1), positive.sum()
    if not total > 0:
        nothing = np.full(len(REGIONS), np.nan)
        return Shares(nothing, nothing.copy(), counts / positive.size)
    ordered = np.sort(positive)[::-1]
    rank = np.full(len(REGIONS), np.nan)
    for number, count in enumerate(counts):
        if count:
            last = ordered[count - 1]
            above, alike = positive > last, positive == last
            rest = (count - above.sum()) / alike.sum()
            rank[number] = (above[inside[number]].sum() + rest * alike[inside[number]].sum()) / count
    return Shares(inside @ positive / total, rank, counts / positive.size)
