"""From a crop of any size to the square image that a tower sees."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Resize:
    """The paper's geometry: bilinear to `size` x `size`, aspect and scale given up."""

    size: int = 40

    def __call__(self, image: Image, out: Image | None = None) -> Image:
        """Return `image` (H, W) float32 as (size, size) float32, in the same unit, in `out` if it is given."""
        return np.asarray(cv2.resize(image, (self.size, self.size), out, interpolation=cv2.INTER_LINEAR), np.float32)

    def frame(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return what of a crop (H, W) the network sees, at the detector's resolution: all of it."""
        return image

    def back(self, seen: Image, shape: tuple[int, int]) -> Image:
        """Return a map of any size over the network's square as one (H, W) over the `frame` of a crop of `shape`."""
        return _stretched(seen, shape)


@dataclass(frozen=True)
class Canvas:
    """A fixed physical scale: centred on `extent` x `extent` detector pixels, area-averaged to `size`.

    Area averages keep sums: the integral of attenuation, which goes with mass, survives. A particle larger than the
    canvas is shrunk to fit it, aspect kept; it alone loses its scale.
    """

    size: int = 40
    extent: int = 120

    def __post_init__(self) -> None:
        if self.extent < self.size:
            raise InputError(f"representation.extent={self.extent}: smaller than size={self.size}; raise it")

    def __call__(self, image: Image, out: Image | None = None) -> Image:
        """Return `image` (H, W) float32, zero outside the particle, as (size, size) float32, `out` if it is given."""
        height, width = image.shape
        if max(height, width) > self.extent:
            scale = self.extent / max(height, width)
            height, width = max(1, round(height * scale)), max(1, round(width * scale))
            image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        canvas = np.zeros((self.extent, self.extent), np.float32)
        top, left = (self.extent - height) // 2, (self.extent - width) // 2
        canvas[top : top + height, left : left + width] = image
        return np.asarray(cv2.resize(canvas, (self.size, self.size), out, interpolation=cv2.INTER_AREA), np.float32)

    def frame(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the square around a crop (H, W) that the network sees, at the detector's resolution, zero beyond."""
        side = max(self.extent, *image.shape)  # of a particle that is shrunk: its own longer side
        (height, width), canvas = image.shape, np.zeros((side, side), image.dtype)
        top, left = (side - height) // 2, (side - width) // 2
        canvas[top : top + height, left : left + width] = image
        return canvas

    def back(self, seen: Image, shape: tuple[int, int]) -> Image:
        """Return a map of any size over the network's square as one over the `frame` of a crop of `shape` (H, W)."""
        side = max(self.extent, *shape)
        return _stretched(seen, (side, side))


def _stretched(seen: Image, shape: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(seen, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def geometry(name: str, size: int, extent: int) -> Resize | Canvas:
    """Return the geometry called `name`: `resize` or `canvas`; anything else is an InputError."""
    if name == "resize":
        return Resize(size)
    if name == "canvas":
        return Canvas(size, extent)
    raise InputError(f"representation.geometry={name}: unknown; known are canvas, resize")
