"""How counts become numbers: the step that belongs to a checkpoint and to an exported model.

A representation makes planes of counts, once a particle, in numpy. Its class facts say what the planes hold;
`oresort.models.inputs` makes a network's input of them, `oresort.data.augment` changes their intensity.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from oresort.console.ranges import whole
from oresort.represent.geometry import geometry as named_geometry
from oresort.represent.mask import particle_mask
from oresort.xray.transmission import FULL_SCALE, attenuation

Size = Annotated[int, whole(1, 1024)]
Extent = Annotated[int, whole(1, 8192)]
Planes = NDArray[np.float32]
_TOGETHER = 8  # particles
PLANES = 4
"""Planes of each pair: low value, high value, low cover, high cover (0 to 1, the particle's share of a pixel)."""


class Representation(ABC):
    """Turns one pair of count images into planes (4, size, size).

    Args:
        geometry: `canvas` (fixed scale) or `resize` (the paper's, to a square without keeping the aspect).
        size: side of the square in pixels, to 1024.
        extent: side of the canvas in detector pixels, to 8192.
        mask: add the particle's cover as a second channel of the network's input.

    Raises:
        InputError: an unknown geometry, or a canvas smaller than `size`.
    """

    unit: ClassVar[Literal["counts", "attenuation"]]  # of the values; attenuation is 0 outside the particle
    ceiling: ClassVar[float]  # largest value
    standardise: ClassVar[bool] = False  # shift and scale each image by its own mean and deviation for the network

    def __init__(self, geometry: str = "canvas", size: Size = 40, extent: Extent = 120, mask: bool = False) -> None:
        self.geometry, self.size, self.mask = named_geometry(geometry, size, extent), size, mask

    @property
    def channels(self) -> int:
        """Channels of each energy's image."""
        return 2 if self.mask else 1

    @property
    def identity(self) -> str:
        """Text that names everything the planes depend on; the cache is keyed by it."""
        return f"{type(self).__module__}.{type(self).__qualname__} {self.geometry!r}"

    def planes(self, low: NDArray[np.uint16], high: NDArray[np.uint16], air: float, background: str) -> Planes:
        """Return planes (4, size, size) float32 of one pair (H, W), see `PLANES` and `particle_mask`."""
        planes: Planes = self.batch([low], [high], air, background)[0]
        return planes

    def batch(
        self,
        lows: Sequence[NDArray[np.uint16]],
        highs: Sequence[NDArray[np.uint16]],
        air: float,
        background: str,
        cover: bool = True,
    ) -> Planes:
        """Return planes (B, 4, size, size) float32 of B pairs (H, W), each of its own size, at least one.

        Without `cover` its two planes are 0: for a network that is not shown them, see `mask`.
        """
        pairs = list(zip(lows, highs, strict=True))
        planes = np.zeros((len(pairs), PLANES, self.size, self.size), np.float32)
        # the pixels of some particles become values together, for a call costs more than the few thousand of one; of
        # all of them they would not stay in the processor's cache, which takes twice as long
        for start in range(0, len(pairs), _TOGETHER):
            part = slice(start, start + _TOGETHER)
            self._fill(planes[part], pairs[part], air, background, 2 if cover else 1)
        return planes

    def _fill(
        self,
        planes: Planes,
        pairs: Sequence[tuple[NDArray[np.uint16], NDArray[np.uint16]]],
        air: float,
        background: str,
        kinds: int,
    ) -> None:
        layers = [layer for pair in pairs for layer in pair]  # (H, W), 2 B of them
        counts = np.concatenate([layer.ravel() for layer in layers])  # (pixels,)
        if background == "zero":
            inside = particle_mask(counts, air, background)
        else:
            inside = np.concatenate([particle_mask(layer, air, background).ravel() for layer in layers])
        values = np.asarray(self.quantity(counts, air), np.float32)
        values *= inside
        made = (values, inside.astype(np.float32)) if kinds == 2 else (values,)
        start = 0
        for number, layer in enumerate(layers):
            place = slice(start, start := start + layer.size)
            for kind, pixels in enumerate(made):
                plane = planes[number // 2, 2 * kind + number % 2]
                self.geometry(pixels[place].reshape(layer.shape), plane)

    @abstractmethod
    def quantity(self, counts: NDArray[np.uint16], air: float) -> NDArray[np.float32]:
        """Return the value of each of the counts, any shape, in `unit`; a new array, whose pixels are averaged."""


class Standardized(Representation):
    """The paper's: counts, each image shifted and scaled by its own mean and deviation, background included.

    It forgets absolute attenuation and the ratio of the energies (see the README); `attenuation` keeps both.
    """

    unit = "counts"
    ceiling = float(FULL_SCALE)
    standardise = True

    def quantity(self, counts: NDArray[np.uint16], air: float) -> NDArray[np.float32]:
        """Return the counts themselves."""
        return counts.astype(np.float32)


class Attenuation(Representation):
    """Physical: l = ln(air / low) and h = ln(air / high), zero outside the particle, on one fixed scale.

    The logarithm is taken before pixels are averaged, since the mean of a logarithm is not the logarithm of a mean in
    heterogeneous rock. Above `ceiling` is photon starvation and scatter (2 % transmission), not thickness.
    """

    unit = "attenuation"
    ceiling = 4.0

    def quantity(self, counts: NDArray[np.uint16], air: float) -> NDArray[np.float32]:
        """Return ln(air / counts), at most `ceiling`."""
        values = attenuation(counts, air)
        # against an array, for numpy takes four times as long against one number
        return np.minimum(values, np.full_like(values, self.ceiling), out=values)
