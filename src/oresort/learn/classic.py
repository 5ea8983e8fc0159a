"""One run of a classical sorter: the networks' splits, metrics and record."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd
import torch

from oresort.classic.base import Classical, Pixels
from oresort.console.progress import track
from oresort.data.index import fingerprint, index_pairs
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.files.layout import CLASSES
from oresort.files.write import replacing
from oresort.learn.metrics import binary_metrics
from oresort.learn.run import recorded
from oresort.make import make
from oresort.represent.mask import particle_mask
from oresort.sorting.threshold import choose_threshold
from oresort.xray.transmission import attenuation


@dataclass
class BaselineConfig:
    """One run; `conf/classic.yaml` explains each key."""

    name: str = "classic"
    out: str | None = None
    seed: int = 0
    data: PairsConfig = field(default_factory=PairsConfig)
    method: dict[str, Any] = field(default_factory=dict)
    threshold: Any = "balanced_accuracy"


class Crops(Sequence[Pixels]):
    """The pairs of some rows of a manifest, decoded when asked for; every pass over them shows its progress."""

    def __init__(self, frame: pd.DataFrame, root: Path, name: str = "pairs") -> None:
        self.name = name
        self.rows = list(zip(frame["low"], frame["high"], frame["air"], frame["background"], strict=True))
        self.root = root

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Pixels]:
        yield from track((self[i] for i in range(len(self))), len(self), f"reading {self.name}")

    @overload
    def __getitem__(self, index: int) -> Pixels: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Pixels]: ...
    def __getitem__(self, index: int | slice) -> Pixels | Sequence[Pixels]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        low, high, air, background = self.rows[index]
        counts = read_pair(self.root / low, self.root / high)
        mask = np.logical_and(*(particle_mask(layer, air, background) for layer in counts))
        if not mask.any():
            raise InputError(f"{self.root / low}: no pixel of a particle in both layers; take the pair out")
        return Pixels(attenuation(counts[0], air), attenuation(counts[1], air), mask)


def run_baseline(cfg: BaselineConfig, folder: Path) -> dict[str, Any]:
    """Fit on train, choose the threshold on val, measure on val and test; return the run's flat row.

    Writes `config.yaml`, `provenance.json`, `metrics.json` and `predictions.csv` into `folder`, as training a
    network does, so that `oresort.report` puts both into one table. A run that fails leaves `status: failed`
    and the reason.

    Raises:
        InputError: what the configuration or the data have wrong.
    """
    method = make(cfg.method, Classical)  # type: ignore[type-abstract]
    choose_threshold(cfg.threshold, torch.zeros(0), torch.zeros(0))  # refuse a bad rule at once
    frame = index_pairs(cfg.data)
    with recorded(folder, asdict(cfg), fingerprint(frame)) as row:
        row |= _measure(cfg, method, folder, frame)
    return row


def _measure(cfg: BaselineConfig, method: Classical, folder: Path, frame: pd.DataFrame) -> dict[str, Any]:
    root = Path(cfg.data.root)
    sides = {side: frame[frame["split"] == side] for side in ("train", "val", "test")}
    start = time.perf_counter()
    method.fit(Crops(sides["train"], root, "train"), sides["train"]["label"].to_numpy(np.int64), cfg.seed)
    row: dict[str, Any] = {"params": method.numbers, "fit_seconds": time.perf_counter() - start}
    start, tables = time.perf_counter(), []
    for side in ("val", "test"):
        pairs = sides[side]
        p_ore = torch.from_numpy(method.p_ore(Crops(pairs, root, side))).float()
        label = torch.tensor(pairs["label"].tolist())
        if side == "val":
            row["threshold"] = choose_threshold(cfg.threshold, p_ore, label)
        figures = binary_metrics(p_ore, label, row["threshold"])
        row |= {f"{side}/{name}": value for name, value in figures.items()}
        known = {
            "id": pairs["id"],
            "scan": pairs["scan"],
            "split": side,
            "label": [CLASSES[i] for i in pairs["label"]],
        }
        tables.append(pd.DataFrame({**known, "p_ore": p_ore.numpy()}))
    row["test_seconds"] = time.perf_counter() - start
    with replacing(folder / "predictions.csv") as temporary:
        pd.concat(tables).to_csv(temporary, index=False)
    return row
