"""The face of every head: one feature vector in, two logits out."""

from typing import ClassVar

from torch import Tensor, nn


class Head(nn.Module):
    """Classifies feature vectors: (B, in_features) -> logits (B, 2), waste first, then ore.

    A head takes `in_features` as a keyword beside its own settings and knows nothing of the fusion.
    """

    outputs: ClassVar[int] = 2  # logits

    def __init__(self) -> None:
        super().__init__()  # without its own signature a class would seem to take any keyword

    def penalty(self) -> Tensor | None:
        """Return a scalar that the training loss adds for this head, if any."""
        return None


def p_ore(logits: Tensor, temperature: Tensor | float) -> Tensor:
    """Return the probability of ore (B,) float32 that logits (B, 2) mean at a temperature, a scalar above 0."""
    return (logits.float() / temperature).softmax(dim=1)[:, 1]
