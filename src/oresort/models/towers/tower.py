"""Towers: the networks that turn one image into one feature vector."""

from collections.abc import Iterable, Sequence

from torch import Tensor, nn


class Tower(nn.Module):
    """A chain of stages, then global average pooling: image (B, C, H, W) -> vector (B, dim).

    A tower takes `channels` as a keyword beside its own settings. `PairNet` runs all towers stage by stage, so that a
    fusion can let them exchange what they see. The last of `widths` is that of the vector, too.
    """

    def __init__(self, stages: Iterable[nn.Module], widths: Sequence[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)  # each maps (B, C, H, W) to (B, C', H', W')
        self.widths = tuple(widths)  # channels after each stage

    def pool(self, maps: Tensor) -> Tensor:
        """Average (B, dim, H, W) over the image: (B, dim)."""
        return maps.mean((2, 3))

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, dim)."""
        for stage in self.stages:
            image = stage(image)
        return self.pool(image)
