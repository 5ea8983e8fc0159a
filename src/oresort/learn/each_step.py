"""What a callback does that has to follow every step, also where many are taken at once."""

from abc import ABC, abstractmethod

import lightning as L
from torch import Tensor


class EachStep(ABC):
    """What a callback does after every step; derive from it and from a `Callback` of Lightning.

    It may become part of a CUDA graph: it works on tensors of the device that stay where they are, and asks none for
    its value.
    """

    @abstractmethod
    def each_step(self, module: L.LightningModule, low: Tensor, high: Tensor) -> None:
        """Follow a step of `module` on the images (B, C, S, S) of its batch."""

    @abstractmethod
    def tensors(self) -> list[Tensor]:
        """Return the tensors that it changes and reads again."""
