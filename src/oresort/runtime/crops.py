"""Crops as a caller has them, arrays or files: read as counts, and refused where no answer could be right."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError, one_line
from oresort.files.image import as_counts, read_image
from oresort.files.layout import IMAGES
from oresort.represent.mask import particle_mask
from oresort.runtime.model import Counts

Images = str | Path | NDArray[Any] | Sequence[Any]
"""Of one energy: an array (H, W) or (N, H, W), a file, a folder of images, or a list of arrays and files."""

Source = tuple[str, NDArray[Any] | Path]
"""An image of one energy, and what it is called."""

_NARROWEST = 5  # pixels; the smallest particle has some 8
_LARGEST = 1_000_000  # pixels; a rock of half a metre fits, a scan of the paper's sorter does not
_AROUND = 0.1  # share of a crop's border that is background at least; of whole particles it is 0.7
_BRIGHTEST = (0.25, 1.15)  # of air: a particle's rim lets nearly all through, and nothing more than all


def paired(low: Images, high: Images) -> tuple[list[Source], list[Source]]:
    """Return the images of both energies, as many of one as of the other.

    Raises:
        InputError: other numbers, folders whose images have other names, or what holds no images.
    """
    lows, highs = _sources(low, "low"), _sources(high, "high")
    if len(lows) != len(highs):
        raise InputError(f"low, high: {len(lows)} images of low and {len(highs)} of high energy; give pairs")
    if all(isinstance(given, str | Path) and Path(given).is_dir() for given in (low, high)):
        for (one, _), (other, _) in zip(lows, highs, strict=True):
            if Path(one).stem != Path(other).stem:
                raise InputError(f"{one} and {other}: of other names; both images of a pair want the same name")
    return lows, highs


def _sources(given: Any, name: str) -> list[Source]:
    if isinstance(given, str | Path):
        path = Path(given)
        if not path.is_dir():
            return [(str(path), path)]
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGES)
        if not files:
            raise InputError(f"{path}: no images in it; {name} wants .tiff, .tif or .png, or predict_folder a dataset")
        return [(str(file), file) for file in files]
    if isinstance(given, list | tuple):
        return [
            (str(one), Path(one)) if isinstance(one, str | Path) else (f"{name}[{i}]", _array(one, f"{name}[{i}]"))
            for i, one in enumerate(given)
        ]
    array = _array(given, name)
    if array.ndim == 2:
        return [(name, array)]
    if array.ndim == 3:
        return [(f"{name}[{i}]", one) for i, one in enumerate(array)]
    raise InputError(f"{name}: of shape {array.shape}; give counts (H, W), a stack (N, H, W), files, or a list of them")


def _array(given: Any, name: str) -> NDArray[Any]:
    if np.ma.is_masked(given):
        raise InputError(
            f"{name}: pixels are masked out, and a model cannot leave them out; fill them with the background"
        )
    try:
        return np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:  # as numpy and torch refuse
        raise InputError(f"{name}: no array ({one_line(error)}); give counts (H, W)") from error


def counts_of(source: Source) -> Counts:
    """Return the counts (H, W) of an image; InputError for what holds none."""
    name, image = source
    image = read_image(image) if isinstance(image, Path) else image
    if image.size > _LARGEST:
        raise InputError(f"{name}: {image.size:,} pixels, no crop of one particle; oresort.sort takes whole scans")
    if image.ndim != 2 or min(image.shape) < _NARROWEST:
        raise InputError(f"{name}: of shape {image.shape}; give one image (H, W) of a particle and its surroundings")
    if image.dtype.kind not in "uif" or image.dtype.itemsize < 2:
        raise InputError(f"{name}: of {image.dtype}; give the detector's own counts of 16 bits")
    return np.ascontiguousarray(as_counts(name, image))


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


def _size(image: Counts) -> str:
    return "x".join(str(side) for side in image.shape)
