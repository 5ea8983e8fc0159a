"""The mask rule by which the paper's authors cut their data, recovered from their crops."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_KERNEL = np.array([1, 4, 6, 4, 1])  # OpenCV's 5 x 5 Gaussian for 8-bit images is its outer product / 256

_LIMIT = 171 * 256 - 128  # a sum that rounds, after / 256, to at most 170


def released_foreground(counts: NDArray[np.uint16], air: float) -> NDArray[np.bool_]:
    """Return the mask (H, W) of one layer (H, W) in counts, as in the released data.

    The counts' upper byte, blurred by a 5 x 5 Gaussian, is at most 170 (transmission below 0.836 on that
    sorter); then an opening by a 9 x 9 square, which is what two iterations of 5 x 5 are in OpenCV. With this
    rule, unregistered and uncorrected, `cut_scan` reproduces the released crops of scan 38, boxes and pixels of both
    layers, without one difference. `foreground` keeps one to two pixels more of thin rim.

    Args:
        counts: one layer, uint16.
        air: not used, for the authors' threshold is absolute; kept so that this can replace `foreground`.
    """
    blurred = (counts >> 8).astype(np.int32)
    for axis in (0, 1):
        blurred = ndimage.correlate1d(blurred, _KERNEL, axis=axis, mode="mirror")
    return np.asarray(ndimage.maximum_filter(ndimage.minimum_filter(blurred < _LIMIT, size=9), size=9))
