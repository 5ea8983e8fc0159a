"""A small network of four convolutions, as a cheap measure of what images of a dataset tell.

    python experiments/simulator/small_network.py DATA OUT

Trains for eight epochs on l and h of 40 x 40 pixels with flips, without choice of an epoch or a setting by validation
data, and writes validation and test AUROC to OUT/metrics.json.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics.functional.classification import binary_auroc

from oresort.data.cache import cached_planes
from oresort.data.manifest import load_manifest
from oresort.data.representation import Attenuation
from oresort.data.splits import assign_splits
from oresort.learn.record import write_json

EPOCHS, BATCH, RATE, WIDTH = 8, 64, 3e-3, 16


def network() -> nn.Sequential:
    """Return a network from (N, 2, 40, 40) to logits (N, 1)."""

    def stage(inside: int, out: int) -> list[nn.Module]:
        return [nn.Conv2d(inside, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]

    low = [*stage(2, WIDTH), *stage(WIDTH, WIDTH), nn.MaxPool2d(2), *stage(WIDTH, 2 * WIDTH), nn.MaxPool2d(2)]
    return nn.Sequential(
        *low, *stage(2 * WIDTH, 2 * WIDTH), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * WIDTH, 1)
    )


def fit(x: Tensor, y: Tensor) -> nn.Sequential:
    """Train on images (N, 2, 40, 40) with labels (N,) and return the network in evaluation mode."""
    torch.manual_seed(0)
    net = network()
    optimizer = torch.optim.AdamW(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * -(-len(x) // BATCH))
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(x)), BATCH):
            flip = [axis for axis in (2, 3) if torch.rand(()) < 0.5]
            loss = nn.functional.binary_cross_entropy_with_logits(net(x[rows].flip(flip)).squeeze(1), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def main(data: Path, out: Path) -> None:
    """Measure one dataset."""
    torch.set_num_threads(1)
    frame = assign_splits(load_manifest(data), data, split="given", seed=0, strict=False)
    representation = Attenuation(geometry="resize", size=40)
    planes = np.asarray(cached_planes(frame, data, representation, data / ".cache")[:, :2])
    l, h = planes[:, 0], planes[:, 1]  # noqa: E741 - the field's names
    # the sum tells thickness, the difference the rock: as the paper's hybrid fusion has them
    x = torch.from_numpy(np.stack([l + h, l - h], axis=1))
    y = torch.tensor(frame["label"].to_numpy(), dtype=torch.float32)
    rows = {
        split: torch.from_numpy(np.flatnonzero(frame["split"] == split)) for split in ("train", "val", "test")
    }
    net = fit(x[rows["train"]], y[rows["train"]])
    with torch.no_grad():
        score = {split: net(x[rows[split]]).squeeze(1) for split in ("val", "test")}
    found = {f"{split}/auroc": float(binary_auroc(s, y[rows[split]].long())) for split, s in score.items()}
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "metrics.json", {"status": "finished", **found})
    print(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
