"""Data level: the energies become one image, and one tower sees it."""

from typing import ClassVar

import torch
from torch import Tensor

from oresort.errors import InputError
from oresort.models.fusions.fusion import Fusion


class Low(Fusion):
    """No fusion: the low energy alone."""

    energies: ClassVar[tuple[str, ...]] = ("low",)

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return one image (B, C, H, W)."""
        return (low,)


class High(Fusion):
    """No fusion: the high energy alone."""

    energies: ClassVar[tuple[str, ...]] = ("high",)

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return one image (B, C, H, W)."""
        return (high,)


class Stack(Fusion):
    """Both energies as channels: low, then high."""

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return one image (B, 2C, H, W)."""
        return (torch.cat((low, high), dim=1),)


class ImageSum(Fusion):
    """The energies' sum, which forgets which is which."""

    symmetric: ClassVar[bool] = True

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return one image (B, C, H, W)."""
        return (low + high,)


class Difference(Fusion):
    """The energies' difference: of attenuations, thickness largely cancels and composition stays."""

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return one image (B, C, H, W)."""
        return (low - high,)


class PseudoColor(Fusion):
    """Three channels as a picture has them: low, high, and a `third` made of both.

    It is "difference", low - high; or "ratio", low / high, which is the R value of the field if the images are
    attenuations, taken as low * high / (high^2 + EPSILON^2), which is finite everywhere and 0 on an empty belt. Another
    is an InputError.
    """

    EPSILON = 0.05  # attenuation below which a ratio is mostly noise

    def __init__(self, third: str = "difference") -> None:
        super().__init__()
        if third not in ("difference", "ratio"):
            raise InputError(f"third={third!r}: known are difference, ratio")
        self.third = third

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return one image (B, 3C, H, W)."""
        made = low - high if self.third == "difference" else low * high / (high.square() + self.EPSILON**2)
        return (torch.cat((low, high, made), dim=1),)
