"""How counts become numbers: the step that belongs to a checkpoint and to an exported model.

`prepare` runs once a particle and its result is cached; `light` and `finish` run on batches. The same code
serves training, evaluation and a belt.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oresort.represent.geometry import geometry as named_geometry
from oresort.represent.mask import foreground
from oresort.xray.transmission import NOMINAL_AIR, attenuation

Planes = NDArray[np.float32]
PLANES = 4
"""Planes cached for each pair: low value, high value, low cover, high cover (cover: 0 to 1, the particle's
share of a pixel)."""

FULL_SCALE = 65_535.0
SATURATED = 255.0
"""Where an 8-bit conversion ends."""


class Representation(ABC):
    """Turns one pair of count images into the numbers that both towers see.

    Args:
        geometry: `canvas` (fixed scale) or `resize` (the paper's, to a square without keeping the aspect).
        size: Side of the square in pixels.
        extent: Side of the canvas in detector pixels.
        mask: Add the particle's cover as a second channel.
    """

    def __init__(
        self, geometry: str = "canvas", size: int = 40, extent: int = 120, mask: bool = False
    ) -> None:
        self.geometry = named_geometry(geometry, size, extent)
        self.size = size
        self.mask = mask

    @property
    def channels(self) -> int:
        """Channels of each energy's image."""
        return 2 if self.mask else 1

    def key(self) -> str:
        """Text that names everything `prepare` depends on; the cache is keyed by it."""
        return f"{type(self).__module__}.{type(self).__qualname__} {self.geometry!r}"

    def prepare(
        self, low: NDArray[np.uint16], high: NDArray[np.uint16], air: float, background: str
    ) -> Planes:
        """Return planes (4, size, size) float32 of one pair of uint16 crops (H, W).

        Args:
            low: Low-energy counts.
            high: High-energy counts, same shape.
            air: Counts without a particle.
            background: `zero` (pixels outside the particle are 0) or `air` (they are air; the particle is
                then what `foreground` finds).
        """
        masks = [counts > 0 if background == "zero" else foreground(counts, air) for counts in (low, high)]
        values = [
            self.value(counts, air) * mask for counts, mask in zip((low, high), masks, strict=True)
        ]  # (H, W) each
        return np.stack([self.geometry(np.asarray(plane, np.float32)) for plane in (*values, *masks)])

    def finish(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the low and the high image, each (B, C, S, S) float32, of planes (B, 4, S, S)."""
        value = self.scale(planes[:, :2])  # (B, 2, S, S)
        images = value.unsqueeze(2)  # (B, 2, 1, S, S)
        if self.mask:
            images = torch.stack((value, planes[:, 2:]), dim=2)  # (B, 2, 2, S, S)
        return images[:, 0], images[:, 1]

    @abstractmethod
    def value(self, counts: NDArray[np.uint16], air: float) -> NDArray[np.float32]:
        """Return the quantity that is averaged over pixels, (H, W), from counts."""

    @abstractmethod
    def scale(self, value: Tensor) -> Tensor:
        """Return network input from value planes (B, 2, S, S)."""

    @abstractmethod
    def light(self, planes: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        """Return planes (B, 4, S, S) as if counts had been `gain * counts + offset`, both (B, 2, 1, 1)."""

    @abstractmethod
    def silhouette(self, planes: Tensor, offset: Tensor) -> Tensor:
        """Return planes as an 8-bit conversion leaves them: particle at 255, background at |offset|."""


class Standardized(Representation):
    """The paper's: counts, each image shifted and scaled by its own mean and deviation, background included.

    It forgets absolute attenuation and the ratio of the energies (see the README); `attenuation` keeps both.
    """

    def value(self, counts: NDArray[np.uint16], air: float) -> NDArray[np.float32]:
        """Return the counts themselves."""
        return counts.astype(np.float32)

    def scale(self, value: Tensor) -> Tensor:
        """Return each image with mean 0 and (population) standard deviation 1 over its pixels."""
        std, mean = torch.std_mean(value, dim=(2, 3), correction=0, keepdim=True)
        return (value - mean) / std.clamp_min(1e-6)

    def light(self, planes: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        """Return planes with new counts, held within 16 bits; the zero background moves by the offset too."""
        value = (planes[:, :2] * gain + offset).clamp(0.0, FULL_SCALE)
        return torch.cat((value, planes[:, 2:]), dim=1)

    def silhouette(self, planes: Tensor, offset: Tensor) -> Tensor:
        """Return 255 where the particle is and |offset| elsewhere, mixed by cover at the rim."""
        cover = planes[:, 2:]
        return torch.cat((SATURATED * cover + offset.abs() * (1.0 - cover), cover), dim=1)


class Attenuation(Representation):
    """Physical: l = ln(air / low) and h = ln(air / high), zero outside the particle, on one fixed scale.

    The logarithm is taken before pixels are averaged, since the mean of a logarithm is not the logarithm of
    a mean in heterogeneous rock.
    """

    CAP = 4.0
    """Attenuation above this is photon starvation and scatter (2 % transmission), not thickness."""

    def value(self, counts: NDArray[np.uint16], air: float) -> NDArray[np.float32]:
        """Return ln(air / counts), at most `CAP`."""
        return np.minimum(attenuation(counts, air), np.float32(self.CAP))

    def scale(self, value: Tensor) -> Tensor:
        """Return attenuation as it is: the physical scale is the point."""
        return value

    def light(self, planes: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        """Return planes with ln(gain) taken from the covered share of each pixel.

        The offset, at most 20 counts of thousands, is applied at the pixel's mean transmission of the
        nominal air level.
        """
        value, cover = planes[:, :2], planes[:, 2:]
        counts = NOMINAL_AIR * torch.exp(-value / cover.clamp_min(1e-3))
        shift = torch.log(((gain * counts + offset) / counts).clamp_min(1e-6))
        return torch.cat(((value - shift * cover).clamp_max(self.CAP), cover), dim=1)

    def silhouette(self, planes: Tensor, offset: Tensor) -> Tensor:
        """Return every particle pixel at the one attenuation that 255 counts mean, held at `CAP`."""
        cover = planes[:, 2:]
        return torch.cat((torch.full_like(cover, self.CAP) * cover, cover), dim=1)
