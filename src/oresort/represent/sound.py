"""Whether a pair of crops can be what it is taken for; a number that is no answer would look like one."""

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.represent.mask import particle_mask

Counts = NDArray[np.uint16]

_AROUND = 0.1  # share of a crop's border that is background at least; of whole particles it is 0.7
_BRIGHTEST = (0.25, 1.15)  # of air: a particle's rim lets nearly all through, and nothing more than all


def check_pair(low: tuple[str, Counts], high: tuple[str, Counts], air: float, background: str) -> None:
    """Refuse a pair (name, counts) on which no answer could be right; `air` is NaN where nothing depends on it.

    Raises:
        InputError: layers of other sizes, exchanged, or the same; no particle, no background around it, or another
            level of air than theirs.
    """
    (name, _), both = low, f"{low[0]} and {high[0]}"
    if low[1].shape != high[1].shape:
        raise InputError(f"{both}: {_size(low[1])} and {_size(high[1])} pixels; give layers of one size")
    masks = [particle_mask(counts, air, background) for _, counts in (low, high)]
    inside = masks[0] & masks[1]  # (H, W)
    if not inside.any():
        raise InputError(f"{both}: no particle in them; leave them out, or see to air and background={background}")
    for (layer, _), mask in zip((low, high), masks, strict=True):
        border = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
        if 1 - border.mean() < _AROUND:
            other = "zero" if background == "air" else "air"
            why = f"{layer}: no background={background} around the particle"
            raise InputError(f"{why}; give whole crops, the right air, or background={other}")
    seen = [np.maximum(counts[inside], 1).astype(np.float64) for _, counts in (low, high)]  # (n,) each
    # rock stops low energies more than high ones, whatever it is made of
    if np.log(seen[0]).mean() >= np.log(seen[1]).mean():
        raise InputError(f"{both}: low lets as much through as high, or more; are they exchanged, or the same image?")
    if np.isfinite(air):
        least, most = _BRIGHTEST
        brightest = np.percentile(np.concatenate(seen), 99) / air
        if not least <= brightest <= most:
            why = f"{name}: the brightest of the particle is {100 * brightest:.0f} % of air={air:g}"
            raise InputError(f"{why}; give the air level of these images, and counts of their full range")


def check_box(name: str, counts: Counts, box: tuple[float, float]) -> None:
    """Refuse an image (H, W) that is not of the size (w, h) that an index says; NaN is not known.

    Raises:
        InputError: another width or height.
    """
    height, width = counts.shape
    if abs(box[0] - width) > 0 or abs(box[1] - height) > 0:  # NaN is not
        says = f"and the index says w={box[0]:g}, h={box[1]:g}"
        mend = "give the images as they were cut, neither scaled nor padded, or empty w and h of the manifest"
        raise InputError(f"{name}: has {width} x {height} pixels, {says}; {mend}")


def _size(image: Counts) -> str:
    return "x".join(str(side) for side in image.shape)
