"""Whether both layers of a cut particle show the same thing."""

import math
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.quadratic import quadratic
from oresort.scan.calibrate.register import LEAST_RATIO

_DIMMEST = 1e-4  # of air: below is no signal, whose logarithm would outweigh a whole particle
_APART = 0.25  # residual, and share of mean low attenuation, from which the layers show different things
_OFF = 0.5  # lines or columns that registered layers may be off each other: 0.05 is usual, 0.4 the worst of 500 seen
_OFF_IN_PART = 1.0  # that a third of a particle's lines may be: lost or doubled lines shift a part of it alone
_OFF_UNREGISTERED = 2.0  # lines that others may be; columns they are, by up to 14
_SIGMAS = 4.0  # of a lag's own error, which is that of what is left over
_FEWEST = 150  # pixels of a part that tell
_CLEAR = 0.9  # of every limit: sums in single precision, off by some millionths, tell what keeps to it
_BENT, _STEEP = 1e-3, 1e-4  # least of a curve, and of slopes, with which millionths stay small beside a tenth
_AT_ONCE = 7_000  # pixels: of more the library starts threads, which wait for busy cores by milliseconds


class Layers(NamedTuple):
    """Both layers of one particle compared."""

    low: float  # mean attenuation l
    high: float  # mean attenuation h
    agree: bool  # the same thing is seen at the same place, and low energies are attenuated more


def compared(
    l: NDArray[np.float32],  # noqa: E741  # the field's name
    h: NDArray[np.float32],
    mask: NDArray[np.bool_],
    registered: bool = True,
) -> Layers:
    """Compare attenuations (H, W) of a particle, its mask (H, W), in both layers on the same pixels.

    A lag is that of optical flow: what the best quadratic leaves over, fitted by the high layer's slopes. It is right
    for a few pixels; of layers farther apart the residual tells.
    """
    pictures = _pictures(l, h, mask)
    found = judged(pictures, registered, _CLEAR)
    # what is not clear by far is summed in double precision, as if it had not been asked before
    return found if found.agree else judged(pictures.astype(np.float64), registered)


def judged(pictures: NDArray[np.floating], registered: bool, share: float = 1.0) -> Layers:
    """Compare layers by their `_pictures`, whose sums are of their precision.

    With a `share` less than 1 they agree only where they keep to that share of each limit, and where rounding cannot
    have brought them there: where all that is divided by is large.
    """
    height, clear = pictures.shape[1], share < 1
    ends = [0, *((k * height - 1) // 3 + 1 for k in (1, 2)), height] if height > 2 else [0, height]  # thirds of lines
    parts = [_products(pictures[:, first:last]) for first, last in pairwise(ends)]  # (6, 6) each
    whole = sum(parts[1:], parts[0]).tolist()
    count, low, high = whole[0][5], whole[0][2] / whole[0][5], whole[0][3] / whole[0][5]
    own, mixed, of_square = whole[4][3], whole[4][4], whole[5][4]
    if clear and not own * of_square - mixed**2 > _BENT * own * of_square:
        return Layers(low, high, False)
    curve = quadratic(own, mixed, of_square, whole[4][2], whole[5][2])
    slope = max(low / max(high, 1e-6), 1.0) / 2  # of l, nearly, over that of the pictures
    limit = _OFF if registered else _OFF_UNREGISTERED
    placed = _placed(whole, curve, slope, share * limit, registered, clear)
    for part in parts:
        if placed and part[0, 5] >= _FEWEST:
            placed = _placed(part.tolist(), curve, slope, share * max(limit, _OFF_IN_PART), registered, clear)
    residual = math.sqrt(max(_left_over(whole, curve), 0.0) / count)
    alike = residual <= share * (1 if registered else 2) * (_APART + _APART * low)
    return Layers(low, high, alike and placed and share * low > LEAST_RATIO * high)


def _pictures(
    l: NDArray[np.float32],  # noqa: E741
    h: NDArray[np.float32],
    mask: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Return the mask, twice the slopes of h down and along, l, h, its square, and the mask again, (7, H, W).

    All are 0 outside the mask.
    """
    smooth = cv2.GaussianBlur(h, (5, 5), 1.0, borderType=cv2.BORDER_REPLICATE)
    smooth = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REPLICATE)  # a slope needs two pixels
    pictures = np.empty((7, *mask.shape), np.float32)
    pictures[0] = pictures[6] = inside = mask.astype(np.float32)
    np.subtract(smooth[2:, 1:-1], smooth[:-2, 1:-1], out=pictures[1])
    np.subtract(smooth[1:-1, 2:], smooth[1:-1, :-2], out=pictures[2])
    pictures[1:3] *= inside
    np.multiply(l, inside, out=pictures[3])
    np.multiply(h, inside, out=pictures[4])
    np.multiply(pictures[4], pictures[4], out=pictures[5])
    return pictures


def _products(pictures: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the sums (6, 6) over all pixels of products of each of `_pictures` but the last and each but the first.

    So no array meets itself, of which the library makes a symmetric product, in seven times as long.
    """
    values = pictures.reshape(7, -1)
    found = values[:6, :_AT_ONCE] @ values[1:, :_AT_ONCE].T
    for start in range(_AT_ONCE, values.shape[1], _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        found += values[:6, some] @ values[1:, some].T
    return found


def _left_over(products: list[list[float]], curve: tuple[float, float]) -> float:
    """Return the sum of squares of what the curve in h leaves over of l."""
    first, second = curve
    off = [low - first * high - second * square for _, _, low, high, square, _ in products[3:]]  # with l, h, its square
    return off[0] - first * off[1] - second * off[2]


def _placed(
    products: list[list[float]], curve: tuple[float, float], slope: float, limit: float, registered: bool, clear: bool
) -> bool:
    """Tell whether pixels of which `_products` are given are off by at most a limit, and by chance.

    `slope` times the pictures' slopes are those of l. What is to be `clear` is given nothing for chance.
    """
    first, second = curve
    _, (own_down, both, down_low, down_high, down_square, _), (_, own_along, low, high, square, _), *_ = products
    # the slopes' products with what the curve leaves over
    down_off = slope * (down_low - first * down_high - second * down_square)
    along_off = slope * (low - first * high - second * square)
    # where there is no slope there is no lag
    down, along, mixed = slope**2 * own_down + 1e-6, slope**2 * own_along + 1e-6, slope**2 * both
    scale = down * along - mixed**2
    lines, columns = (along * down_off - mixed * along_off) / scale, (down * along_off - mixed * down_off) / scale
    within = abs(lines) <= limit and (abs(columns) <= limit or not registered)
    if clear:
        steep = min(down, along) > _STEEP * slope**2 * products[3][2] and scale > 0.1 * down * along
        return within and steep
    if within:
        return True  # whatever chance may add
    error = max(_left_over(products, curve), 0.0) / products[0][5] / scale  # times a diagonal of the inverse: squared
    if abs(lines) > limit + _SIGMAS * math.sqrt(error * along):
        return False
    return not registered or abs(columns) <= limit + _SIGMAS * math.sqrt(error * down)


def attenuation_of(transmission: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return -ln, at most 9.2, of the transmission (layers, H, W) of some layers, in a new array."""
    count, height, width = transmission.shape
    if not transmission.min(initial=1.0) >= _DIMMEST:  # seldom, and costs more than the logarithm
        transmission = np.maximum(transmission, np.float32(_DIMMEST))
    values = np.asarray(cv2.log(transmission.reshape(count * height, width)), np.float32)  # in half of numpy's time
    return np.negative(values, out=values).reshape(count, height, width)
