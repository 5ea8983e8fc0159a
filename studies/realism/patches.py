"""Can a classifier tell patches of real air from simulated ones?"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchmetrics.functional.classification import binary_auroc

from oresort.belt.sorter import BELT, MODULE
from studies.realism.air import Pair, empty_belt

SIDE = 32  # pixels along a patch's edge
_EPOCHS, _BATCH = 20, 64


Cut = tuple[NDArray[np.float32], NDArray[np.int64]]


class Patches(nn.Module):
    """A small network that sees local patterns, their mean and their mean square: noise is all in the latter."""

    def __init__(self) -> None:
        super().__init__()
        self.local = nn.Sequential(
            nn.Conv2d(2, 12, (3, 5)), nn.ReLU(), nn.Conv2d(12, 12, 3), nn.ReLU(), nn.Conv2d(12, 12, 1)
        )
        self.head = nn.Sequential(nn.BatchNorm1d(48), nn.Linear(48, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logit (N,) of being simulated, of patches (N, 2, SIDE, SIDE)."""
        z = self.local(x)
        lines, columns = z.mean(dim=3), z.mean(dim=2)
        pooled = [z.mean(dim=(2, 3)), z.square().mean(dim=(2, 3)), lines.var(dim=2), columns.var(dim=2)]
        return torch.as_tensor(self.head(torch.cat(pooled, dim=1)).squeeze(1))


def cut(pair: Pair) -> Cut:
    """Cut a scan's empty belt into patches (N, 2, SIDE, SIDE) and tell which quarter of the scan each is from.

    Values are deviations from the layer's mean air in units of 2.5 %. Quarters (N,) are 0-3: upper or lower
    half, even or odd detector module; patches of quarters q and 3 - q share neither lines nor columns.
    """
    empty = empty_belt(*pair)
    layers = [counts[:, BELT[0] : BELT[1]].astype(np.float32) for counts in pair]
    relative = np.stack([(layer / layer[empty].mean() - 1.0) / 0.025 for layer in layers])
    patches, quarters = [], []
    for y in range(0, len(empty) - SIDE + 1, SIDE):
        for x in range(0, empty.shape[1] - SIDE + 1, SIDE):
            # the belt begins between two modules: a patch may hang over into the next by up to its width
            module = (BELT[0] + x + SIDE // 2) // MODULE
            if empty[y : y + SIDE, x : x + SIDE].all():
                patches.append(relative[:, y : y + SIDE, x : x + SIDE])
                quarters.append(2 * (2 * y // len(empty)) + module % 2)
    return np.stack(patches), np.array(quarters)


def tell_apart(real: Pair, simulated: list[Pair], seed: int = 0) -> list[float]:
    """Return the AUROC with which patches of one quarter tell those of the opposite one, for all four quarters.

    As many simulated patches are learned from as real ones, from the first half of the `simulated` scans; the
    other half is tested on. 0.5 is indistinguishable.
    """
    theirs, quarter = cut(real)
    own = [cut(pair) for pair in simulated]
    half = max(len(own) // 2, 1)
    rng = np.random.default_rng(seed)

    def mixed(part: int, scans: list[Cut]) -> tuple[torch.Tensor, torch.Tensor]:
        here = theirs[quarter == part]
        there = rng.permutation(np.concatenate([p[q == part] for p, q in scans]))[: len(here)]
        labels = torch.arange(len(here) + len(there)) >= len(here)
        return torch.from_numpy(np.concatenate([here, there])), labels.float()

    return [_auroc(*mixed(3 - held, own[:half]), *mixed(held, own[half:] or own), seed) for held in range(4)]


def _auroc(x: torch.Tensor, y: torch.Tensor, test_x: torch.Tensor, test_y: torch.Tensor, seed: int) -> float:
    torch.manual_seed(seed)
    net = Patches()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=_EPOCHS * -(-len(x) // _BATCH))
    for _ in range(_EPOCHS):
        for rows in torch.split(torch.randperm(len(x)), _BATCH):
            # air looks the same mirrored left to right, and noise upside down
            flip = [d for d in (2, 3) if torch.rand(()) < 0.5]
            loss = nn.functional.binary_cross_entropy_with_logits(net(x[rows].flip(flip)), y[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        return float(binary_auroc(net(test_x), test_y.long()))
