"""Crops as a caller has them, arrays or files: read as counts, and refused where no answer could be right."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError, one_line
from oresort.files.image import as_counts, read_image
from oresort.files.layout import IMAGES
from oresort.runtime.model import Counts

Images = str | Path | NDArray[Any] | Sequence[Any]
"""Of one energy: an array (H, W) or (N, H, W), a file, a folder of images, or a list of arrays and files."""

Source = tuple[str, NDArray[Any] | Path]
"""An image of one energy, and what it is called."""

_NARROWEST = 5  # pixels; the smallest particle has some 8
_LARGEST = 1_000_000  # pixels; a rock of half a metre fits, a scan of the paper's sorter does not


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
