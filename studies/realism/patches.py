"""Can a classifier tell patches of real air from simulated ones?"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchmetrics.functional.classification import binary_auroc

from oresort.belt.sorter import BELT, MODULE
from studies.realism.air import empty_belt

SIDE = 32
"""Pixels along a patch's edge."""

_EPOCHS = 20
_BATCH = 64

Pair = tuple[NDArray[np.uint16], NDArray[np.uint16]]


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


def cut(pair: Pair) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
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
    found = []
    for held in range(4):
        train_real, test_real = theirs[quarter == 3 - held], theirs[quarter == held]
        learn = np.concatenate([p[q == 3 - held] for p, q in own[:half]])
        judge = np.concatenate([p[q == held] for p, q in own[half:] or own])
        learn = rng.permutation(learn)[: len(train_real)]
        judge = rng.permutation(judge)[: len(test_real)]
        found.append(_auroc(train_real, learn, test_real, judge, seed))
    return found


def _auroc(
    train_theirs: NDArray[np.float32],
    train_own: NDArray[np.float32],
    test_theirs: NDArray[np.float32],
    test_own: NDArray[np.float32],
    seed: int,
) -> float:
    torch.manual_seed(seed)
    x = torch.from_numpy(np.concatenate([train_theirs, train_own]))
    y = torch.cat([torch.zeros(len(train_theirs)), torch.ones(len(train_own))])
    net = Patches()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 4e-3, epochs=_EPOCHS, steps_per_epoch=-(-len(x) // _BATCH)
    )
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
        scores = net(torch.from_numpy(np.concatenate([test_theirs, test_own])))
    truth = torch.cat([torch.zeros(len(test_theirs)), torch.ones(len(test_own))]).long()
    return float(binary_auroc(scores, truth))
