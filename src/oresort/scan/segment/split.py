"""Part particles that touch, where the outline shows how many there are; flag them where it does not."""

import math
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import skimage
from numpy.typing import NDArray

from oresort.files.dataset import Cutting

_AROUND = np.ones((3, 3), np.uint8)
_NEAR = np.ones((7, 7), np.uint8)
_ROUNDING = 2e-6  # relative
_STEPS = 4  # of a pixel, between two looks at whether anything still grows
_SURE = 3  # lines below a part, from which its rim and its neck are known: the blur of distances reaches two


class Part(NamedTuple):
    """One particle of a connected region: its pixels in the region's box (H, W), and the two flags."""

    mask: NDArray[np.bool_]
    touching: bool
    parted: bool


def hull_of(points: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the corners (P, 1, 2) of the convex hull of pixels (N, 2) or (N, 1, 2), in turn."""
    return np.asarray(cv2.convexHull(points), np.int32)


def fills(hull: NDArray[np.int32], area: int, convex: float = Cutting.convex) -> bool:
    """Tell whether `area` pixels are `convex` of their convex hull (P, 1, 2), or all but half a pixel along its rim."""
    # it runs through pixel centres: a polygon of B boundary steps lacks B / 2 + 1 pixels (Pick)
    inner = cv2.contourArea(hull) + 1
    # its steps are fewer than its length: of most that tells already
    if inner - area + convex / 2 * (1 + _ROUNDING) * cv2.arcLength(hull, True) <= (1 - convex) * inner:
        return True
    steps = 0
    corners = hull[:, 0].tolist()
    for (x, y), (u, v) in pairwise([corners[-1], *corners]):
        steps += max(abs(x - u), abs(y - v))
    full = inner + steps / 2
    return bool(full - area <= max((1 - convex) * full, steps / 2))


def is_convex(mask: NDArray[np.bool_], convex: float = Cutting.convex) -> bool:
    """Tell whether a region (H, W) `fills` its convex hull; one without pixels does."""
    contours, _ = cv2.findContours(
        np.ascontiguousarray(mask).view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    if not contours:
        return True
    points = contours[0] if len(contours) == 1 else np.concatenate(contours)  # (N, 1, 2)
    return fills(hull_of(np.asarray(points, np.int32)), int(np.count_nonzero(mask)), convex)


def rim_distance(inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the distance in pixels of each pixel (H, W) to the nearest one outside, 0 outside, exact to the last bit.

    OpenCV's own is off by 1e-6, otherwise from call to call: enough for a watershed to part a clump at another pixel.
    """
    distance = cv2.distanceTransform(inside.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.sqrt(np.rint(distance * distance)), np.float32)  # squares are whole numbers


def high_peaks(height: NDArray[np.float32], least: float) -> NDArray[np.bool_]:
    """Return where a picture (H, W) float32 is a peak from which every way to a higher one descends by `least`.

    The h-maxima of mathematical morphology: what a picture lowered by `least` does not grow back to below the picture.
    It grows pixel by pixel, which on a picture as small as a clump takes a fifth of the time of sorting its pixels.
    """
    # rounding must not leave a pixel less than `least` below
    lowered = height - np.float32(least) - np.float32(_ROUNDING) * np.abs(height)
    while True:
        grown = lowered
        for _ in range(_STEPS):
            grown = np.asarray(cv2.min(cv2.dilate(grown, _AROUND), height), np.float32)
        if (grown == lowered).all():
            return np.asarray(height - lowered >= np.float32(least))
        lowered = grown


def split_touching(
    mask: NDArray[np.bool_],
    *,
    convex: float = Cutting.convex,
    neck: float = Cutting.neck,
    min_area: int = Cutting.min_area,
) -> list[Part]:
    """Return the particles of a connected region (H, W), one or more; `Cutting` explains the keywords.

    A region whose outline is convex is one particle. Else it is parted by a watershed of the distance to its
    rim, where a neck is narrower than `neck` times the narrower part beside it; a part that is itself far
    from convex is flagged `touching`, and so is the region where a part would be smaller than `min_area`.
    """
    if is_convex(mask, convex):
        return [Part(mask, touching=False, parted=False)]
    peaks = _peaks(mask, neck)
    labels = _basins(peaks, min_area)
    if labels is None:
        return [Part(mask, touching=True, parted=False)]
    parts = [labels == label for label in range(1, peaks.labels)]
    return [Part(part, not is_convex(part, convex), True) for part in parts]


class Ended(NamedTuple):
    """What has ended of a clump (H, W) that goes on."""

    parts: list[NDArray[np.bool_]]  # (H, W) each
    height: int  # lines that it must have until there may be more


def ended_parts(mask: NDArray[np.bool_], *, neck: float = Cutting.neck, min_area: int = Cutting.min_area) -> Ended:
    """Tell which parts of a clump (H, W) have ended, as `split_touching` parts it; more lines may come below.

    What is to come is taken for bare, which makes the part on the last lines narrower than it will be: so that nothing
    is parted that would not be later.
    """
    peaks = _peaks(mask, neck)
    # a part reaches as far down from its peak as its peak is from the rim, at least: most have not ended, which is
    # known without the watershed
    y, x = np.nonzero(peaks.coarse)
    reach = np.zeros(peaks.labels)
    np.maximum.at(reach, peaks.coarse[y, x], 2 * y - 1 + peaks.distance[2 * y, 2 * x])
    earliest = math.ceil(reach[1:].min(initial=np.inf if peaks.labels > 1 else len(mask))) + _SURE
    labels = _basins(peaks, min_area) if earliest <= len(mask) else None
    if labels is None:
        return Ended([], earliest)
    going = set(np.unique(labels[-_SURE:]).tolist())
    return Ended([labels == label for label in range(1, peaks.labels) if label not in going], earliest)


class _Peaks(NamedTuple):
    """Where a region is wide, on its picture with a rim of one pixel, (H + 2, W + 2)."""

    distance: NDArray[np.float32]  # to the rim
    height: NDArray[np.float32]  # its logarithm: one height is one ratio of widths, for large particles and small ones
    coarse: NDArray[np.int32]  # every second pixel: which peak it is part of, from 1 on
    labels: int  # peaks, and one


def _peaks(mask: NDArray[np.bool_], neck: float) -> _Peaks:
    # the transform takes the picture's edge for no rim
    inside = np.asarray(cv2.copyMakeBorder(mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)).view(np.bool_)
    distance = rim_distance(inside)
    height = np.asarray(np.log(np.maximum(cv2.GaussianBlur(distance, (5, 5), 1.0), 0.5)), np.float32)
    # peaks are broad: every second pixel finds them, in a quarter of the time
    peaks = high_peaks(height[::2, ::2].copy(), -np.log(neck)) & inside[::2, ::2]
    count, coarse = cv2.connectedComponents(peaks.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return _Peaks(distance, height, np.asarray(coarse, np.int32), count)


def _basins(peaks: _Peaks, min_area: int) -> NDArray[np.int32] | None:
    """Return which peak each pixel (H, W) of a region belongs to; None: all to one, or too few to one of them."""
    if peaks.labels <= 2:  # what is no peak counts
        return None
    labels = _in_one_piece(_flooded(peaks), peaks)[1:-1, 1:-1]  # (H, W)
    areas = np.bincount(labels.ravel(), minlength=peaks.labels)
    return labels if (areas[1:] >= min_area).all() else None


def _flooded(peaks: _Peaks) -> NDArray[np.int32]:
    """Return the basins (H + 2, W + 2) of a watershed from the peaks down.

    Every second pixel is flooded first, and then only what lies about where two basins meet: a third of the time.
    """
    depth, inside = -peaks.height, peaks.distance > 0
    half = skimage.segmentation.watershed(depth[::2, ::2], peaks.coarse, mask=inside[::2, ::2])
    height, width = depth.shape
    rough = half.astype(np.float32).repeat(2, 0).repeat(2, 1)[:height, :width]  # of a type that OpenCV takes
    highest, lowest = cv2.dilate(rough, _NEAR), cv2.erode(np.where(rough, rough, np.float32(peaks.labels)), _NEAR)
    labels = np.where(inside, highest, 0).astype(np.int32)
    seam = ((highest != lowest) & inside).view(np.uint8)  # and where the halved picture shows nothing
    left, top, w, h = cv2.boundingRect(cv2.dilate(seam, _AROUND))
    if not w:
        return labels
    here = slice(top, top + h), slice(left, left + w)
    # what is known beside it is where the flood comes from; all that is farther away is left out
    part = cv2.dilate(seam[here], _AROUND).view(np.bool_) & inside[here]
    from_beside = np.where(part & ~seam[here].view(np.bool_), labels[here], 0)
    # a region holds together by corners too: a pixel that hangs on by one is flooded from there
    found = skimage.segmentation.watershed(depth[here], from_beside, mask=part, connectivity=2)
    np.copyto(labels[here], found, where=found > 0)
    return labels


def _in_one_piece(labels: NDArray[np.int32], peaks: _Peaks) -> NDArray[np.int32]:
    """Return basins (H + 2, W + 2) of which each holds together: what a basin got across a crack goes to a neighbour.

    Halved pictures show no crack of one pixel, and about a basin all is taken for its own that is nearest to it: a
    stray pixel would make a particle's box larger than the particle.
    """
    stray = np.zeros(labels.shape, np.bool_)
    for label in range(1, peaks.labels):
        one = (labels == label).view(np.uint8)
        count, pieces = cv2.connectedComponents(one, connectivity=8, ltype=cv2.CV_32S)
        if count > 2:  # what is none of it counts
            areas = np.bincount(np.asarray(pieces).ravel())
            stray |= one.view(np.bool_) & (np.asarray(pieces) != 1 + areas[1:].argmax())
    if not stray.any():
        return labels
    known = np.where(stray, 0, labels)
    found = skimage.segmentation.watershed(-peaks.height, known, mask=peaks.distance > 0, connectivity=2)
    return np.asarray(found, np.int32)
