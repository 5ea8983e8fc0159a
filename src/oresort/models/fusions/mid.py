"""Mid level: the towers see something of each other between their stages; their vectors are added."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.models.checks import positive
from oresort.models.fusions.feature import Sum
from oresort.models.fusions.fusion import two_towers


class MMTM(Sum):
    """Multimodal transfer module: both towers' mean activations gate the channels of each.

    q = relu(W [mean a; mean b]); a becomes 2 sigmoid(W_a q) a, and b likewise, after `stages`, counted from 0 (None:
    after every one). q is 2 * (channels of both) / `reduction` wide. Joze et al., CVPR 2020; the factor 2 makes a gate
    of zero weights the identity. With 128 channels a stage has 65,920 parameters.

    Raises:
        InputError: a stage that the towers do not have, or `reduction` below 1.
    """

    def __init__(self, stages: Sequence[int] | None = None, reduction: int = 4) -> None:
        super().__init__()
        self.stages, self.reduction = stages, positive("reduction", reduction)

    def build(self, dims: Sequence[Sequence[int]]) -> None:
        """Make the squeeze and both gates of every stage."""
        two_towers(self, dims)
        self.squeeze, self.gates = nn.ModuleDict(), nn.ModuleDict()
        for stage in range(len(dims)) if self.stages is None else self.stages:
            width = sum(dims[known_stage("stages", stage, len(dims))])
            squeezed = max(1, 2 * width // self.reduction)
            self.squeeze[str(stage)] = nn.Linear(width, squeezed)
            self.gates[str(stage)] = nn.ModuleList(nn.Linear(squeezed, dim) for dim in dims[stage])

    def exchange(self, stage: int, *maps: Tensor) -> tuple[Tensor, ...]:
        """Scale the channels of maps (B, C, H, W)."""
        if (key := str(stage)) not in self.squeeze:
            return maps
        q = torch.relu(self.squeeze[key](torch.cat([m.mean((2, 3)) for m in maps], dim=1)))
        gates: nn.ModuleList = self.gates[key]  # type: ignore[assignment]  # a ModuleDict forgets its kinds
        pairs = zip(maps, gates, strict=True)
        return tuple(m * (2 * torch.sigmoid(gate(q)))[:, :, None, None] for m, gate in pairs)


class CrossAttention(Sum):
    """Each tower's positions attend to those of the other, added to its own map.

    Keys and values are the other's map after `stage` (from 0; None: the last), pooled to `grid` x `grid` positions. On
    a single one the attention weight is always 1 and nothing but a linear map is left, so that is refused. With 128
    channels it has 132,096 parameters.

    Raises:
        InputError: a setting out of its range, `heads` that do not divide the channels, or maps of one position.
    """

    def __init__(self, heads: int = 4, grid: int = 5, stage: int | None = None) -> None:
        super().__init__()
        self.heads = positive("heads", heads)
        if positive("grid", grid) < 2:
            raise InputError("grid=1: attention over one position is a linear map; give at least 2")
        self.grid, self.stage = grid, stage

    def build(self, dims: Sequence[Sequence[int]]) -> None:
        """Make the attention of either tower."""
        two_towers(self, dims)
        self.chosen = known_stage("stage", len(dims) - 1 if self.stage is None else self.stage, len(dims))
        dim = dims[self.chosen][0]
        if dim % self.heads:
            raise InputError(f"heads={self.heads}: must divide the {dim} channels; give e.g. 4")
        self.attention = nn.ModuleList(nn.MultiheadAttention(dim, self.heads, batch_first=True) for _ in range(2))

    def exchange(self, stage: int, *maps: Tensor) -> tuple[Tensor, ...]:
        """Add to each map (B, C, H, W) what it attends to in the other."""
        if stage != self.chosen:
            return maps
        if maps[0].shape[2:].numel() < 2:
            raise InputError("CrossAttention: maps of one position have nothing to attend to; use MMTM")
        made = []
        for attention, own, other in zip(self.attention, maps, maps[::-1], strict=True):
            keys = F.adaptive_avg_pool2d(other, self.grid).flatten(2).mT  # (B, grid^2, C)
            seen = attention(own.flatten(2).mT, keys, keys, need_weights=False)[0]  # (B, H * W, C)
            made.append(own + seen.mT.reshape(own.shape))
        return tuple(made)


def known_stage(key: str, stage: int, count: int) -> int:
    """Return `stage`, or raise InputError naming `key` unless it is one of `count` stages."""
    if isinstance(stage, bool) or not isinstance(stage, int) or not 0 <= stage < count:
        raise InputError(f"{key}={stage!r}: the towers have stages 0 to {count - 1}")
    return stage
