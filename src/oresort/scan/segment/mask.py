"""What of the belt is covered: three rules, from a layer's transmission, its air level and its noise to masks."""

from typing import NamedTuple, Protocol

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from oresort.represent.mask import FOREGROUND, foreground
from oresort.xray.transmission import counts_of

KERNEL = (9, 9)  # four standard deviations of the smoothing on each side
# lines beside it that a rule's masks depend on: 4 of smoothing, or 10 of the authors' rule
BESIDE = {"noise": 4, "threshold": 4, "released": 10}
REACH = {rule: beside + 1 for rule, beside in BESIDE.items()}
"""Lines below it for which what is bare of a line waits: one more.

Bare belt keeps three pixels off anything. The last lines of a block do not await the third from below: their levels
change by 0.005 %, a tenth of what they are known to.
"""

ALL = slice(None)

_SMOOTHING = 1.0  # Gaussian, pixels, before anything is called covered: brings noise of 2.5-4.7 % to about 1 %
_SIGMAS = 4.0  # standard deviations of smoothed air below which a pixel may be a particle's rim
_THINNEST = 0.05  # least attenuation of a rim, about 0.7 mm of rock: below lie dust and the smoothing's own halo
_BARE = np.ones((7, 7), np.uint8)
_AUTHORS = np.array([1, 4, 6, 4, 1])  # OpenCV's 5 x 5 Gaussian for 8-bit images is its outer product / 256
_AUTHORS_LIMIT = 171 * 256 - 128  # a sum that rounds, after / 256, to at most 170


class Cover(NamedTuple):
    """Masks of some lines, uint8 0 or 1, each (H, W)."""

    weak: NDArray[np.uint8]  # may be covered: darker than noise and dust
    strong: NDArray[np.uint8]  # surely covered; a weak region without any is no particle


def bare(weak: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return bare belt (H, W), uint8 0 or 1: three pixels and more from anything `weak`."""
    # beyond the first or last line nothing is known, which must not read as covered
    return np.asarray(cv2.erode(1 - weak, _BARE, borderType=cv2.BORDER_REPLICATE))


class MaskRule(Protocol):
    """From a layer's transmission (H, W), air level in counts and deviation of smoothed bare belt (W,) to masks.

    These are of `fresh` lines alone: the others lie there for what the masks depend on.
    """

    def __call__(  # noqa: D102
        self, transmission: NDArray[np.float32], level: float, noise: NDArray[np.float32], fresh: slice = ALL
    ) -> Cover: ...


def smoothed(transmission: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a transmission (H, W) float32 smoothed for segmentation, edges repeated."""
    return np.asarray(cv2.GaussianBlur(transmission, KERNEL, _SMOOTHING, borderType=cv2.BORDER_REPLICATE))


def noise_cover(
    transmission: NDArray[np.float32], level: float, noise: NDArray[np.float32], fresh: slice = ALL
) -> Cover:
    """Cover by the noise across the belt, with hysteresis: the rule of `prepare`.

    The weak threshold keeps thin rims, the strong one (that of the released data) keeps out dust and noise.
    `level` is not used, for transmission is relative to it already.
    """
    limit = np.minimum(1 - np.float32(_SIGMAS) * noise, np.float32(1 - _THINNEST))  # (W,)
    smooth, surely = smoothed(transmission)[fresh], np.float32(FOREGROUND)
    weak = (smooth < limit).view(np.uint8)
    if limit.min(initial=surely) < surely:  # weak too where noise is high
        return Cover(weak, (smooth < np.minimum(limit, surely)).view(np.uint8))
    return Cover(weak, (smooth < surely).view(np.uint8))


def threshold_cover(
    transmission: NDArray[np.float32], level: float, noise: NDArray[np.float32], fresh: slice = ALL
) -> Cover:
    """Cover by one threshold, `foreground`, as of simulated pairs."""
    return _single(foreground(counts_of(transmission, level), level)[fresh])


def released_cover(
    transmission: NDArray[np.float32], level: float, noise: NDArray[np.float32], fresh: slice = ALL
) -> Cover:
    """Cover by the rule of the paper's authors, recovered from their crops.

    The counts' upper byte, blurred by a 5 x 5 Gaussian, is at most 170 (transmission below 0.836 on that
    sorter); then an opening by a 9 x 9 square, which is what two iterations of 5 x 5 are in OpenCV. With this
    rule, unregistered and uncorrected, `cut_scan` reproduces the released crops of scan 38, boxes and pixels of
    both layers, without one difference. `foreground` keeps one to two pixels more of thin rim.
    """
    blurred = counts_of(transmission, level).astype(np.int32) >> 8  # (H, W)
    for axis in (0, 1):
        # OpenCV's default border, and integers, so that no rounding differs from its own
        blurred = scipy.ndimage.correlate1d(blurred, _AUTHORS, axis=axis, mode="mirror")
    opened = scipy.ndimage.maximum_filter(scipy.ndimage.minimum_filter(blurred < _AUTHORS_LIMIT, size=9), size=9)
    return _single(opened[fresh])


MASKS: dict[str, MaskRule] = {"noise": noise_cover, "threshold": threshold_cover, "released": released_cover}
"""Rules by the word of `Cutting.mask`."""


def _single(mask: NDArray[np.bool_]) -> Cover:
    covered = mask.view(np.uint8)
    return Cover(covered, covered)
