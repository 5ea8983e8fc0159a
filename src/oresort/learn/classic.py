"""One run of a classic sorter: the networks' splits, metrics and record."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from oresort.classic.base import Classic, Pixels
from oresort.console.progress import track
from oresort.console.ranges import SEEDS, whole
from oresort.data.counts import Row, read_counts, rows_of
from oresort.data.index import fingerprint, index_pairs
from oresort.data.leaks import check_images, leaking_scans, pixel_hashes, report
from oresort.data.looks import doubts
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.files.dataset import read_dataset
from oresort.files.layout import SPLITS
from oresort.files.provenance import processor
from oresort.files.record import IMPORTANCES
from oresort.files.write import replacing
from oresort.learn.deciding import check_reach
from oresort.learn.lot import lot_of
from oresort.learn.metrics import binary_metrics
from oresort.learn.record import predicted
from oresort.learn.run import recorded
from oresort.make import make
from oresort.represent.mask import particle_mask
from oresort.sorting.operating import THRESHOLD, Operating, check_used
from oresort.sorting.point import choose_point
from oresort.sorting.prices import Prices, load_prices
from oresort.sorting.probability import check_probabilities
from oresort.xray.transmission import attenuation

_MOST = 1_000  # test pairs that importances are of: a kernel machine is asked hundreds of times


@dataclass
class ClassicConfig:
    """One run; `conf/classic.yaml` explains each key."""

    name: str = "classic"
    out: str | None = None
    seed: Annotated[int, whole(0, SEEDS)] = 0
    data: PairsConfig = field(default_factory=PairsConfig)
    method: dict[str, Any] = field(default_factory=dict)
    threshold: Annotated[Any, THRESHOLD] = "balanced_accuracy"
    operating: Operating = field(default_factory=Operating)
    prices: str | None = None


class Crops:
    """The pairs of some rows of a manifest, read anew by every walk; `name` stands beside its progress."""

    def __init__(self, frame: pd.DataFrame, root: Path, name: str) -> None:
        self.rows = rows_of(frame)
        self.root, self.name = root, name

    def __iter__(self) -> Iterator[Pixels]:
        walk = track(self.rows, len(self.rows), f"reading {self.name}")
        for row in walk:
            layers = read_counts(self.root, row)
            mask = np.logical_and(*(particle_mask(counts, row.air, row.background) for counts in layers))
            if not mask.any():
                raise InputError(f"{self.root / row.low}: no pixel of a particle in both layers; take it out")
            yield Pixels(attenuation(layers[0], row.air), attenuation(layers[1], row.air), mask)


def run_classic(cfg: ClassicConfig, folder: str | Path) -> dict[str, Any]:
    """Fit on train, choose the threshold on val, measure on val and test; return the run's flat row.

    Writes `config.yaml`, `provenance.json`, `metrics.json` and `predictions.csv` into `folder`, as training a network
    does, so that `oresort.report` puts both into one table, and of a method with features `importances.csv`. A run that
    fails leaves `status: failed` and the reason.

    Raises:
        InputError: what the configuration or the data have wrong.
    """
    folder = Path(folder)
    method = make(cfg.method, Classic)  # type: ignore[type-abstract]
    check_used(cfg.threshold, cfg.operating, cfg.prices)
    prices = load_prices(Path(cfg.prices)) if cfg.prices else None
    frame = index_pairs(cfg.data)
    if text := doubts(frame, Path(cfg.data.root), by_air=True):
        report(text, cfg.data.strict)
    check_reach(cfg.threshold, cfg.operating, prices, frame)
    images = np.zeros((len(frame), 2), np.uint64)

    def pairs() -> str:
        images[:] = _hashes(rows_of(frame), Path(cfg.data.root))
        return fingerprint(frame, cut, images)

    cut = read_dataset(cfg.data.root)
    with recorded(folder, asdict(cfg), pairs) as row:
        row["dataset"] = fingerprint(frame, cut, images, sides=False)
        row |= _measure(cfg, method, folder, frame, images, prices)
    return row


def _hashes(rows: list[Row], root: Path) -> NDArray[np.uint64]:
    walk = track(rows, len(rows), "reading pairs")
    return np.array([pixel_hashes(*read_counts(root, row)) for row in walk], np.uint64)  # (N, 2)


def _measure(
    cfg: ClassicConfig,
    method: Classic,
    folder: Path,
    frame: pd.DataFrame,
    images: NDArray[np.uint64],
    prices: Prices | None,
) -> dict[str, Any]:
    root = Path(cfg.data.root)
    leaking = check_images(frame, images, root, cfg.data.strict)  # before the hours of a fit
    sides = {side: frame[frame["split"] == side] for side in SPLITS}
    crops = {side: Crops(pairs, root, side) for side, pairs in sides.items()}
    start = time.perf_counter()
    method.fit(crops["train"], sides["train"]["label"].to_numpy(np.int64), cfg.seed)
    row: dict[str, Any] = {f"pairs/{side}": len(pairs) for side, pairs in sides.items()}
    row |= {"params": method.numbers, "fit_seconds": time.perf_counter() - start, "device": processor()}
    start, tables = time.perf_counter(), []
    for side in ("val", "test"):
        pairs = sides[side]
        p_ore = method.p_ore(crops[side]).astype(np.float32)
        check_probabilities(p_ore, "method: p_ore")
        label = np.array(pairs["label"], np.int64)
        if side == "val":
            row["threshold"] = choose_point(
                cfg.threshold, lot_of(pairs, root, p_ore).lot, cfg.operating, prices
            ).threshold
        figures = binary_metrics(torch.from_numpy(p_ore), torch.from_numpy(label), row["threshold"])
        row |= {f"{side}/{name}": value for name, value in figures.items()}
        mine = (frame["split"] == side).to_numpy()
        tables.append(predicted(pairs, side, p_ore, row["threshold"], images[mine]))
    row["test_seconds"] = time.perf_counter() - start
    row |= {"leaking_scans": len(leaking_scans(frame)), "leaking_images": leaking}
    with replacing(folder / "predictions.csv") as temporary:
        pd.concat(tables).to_csv(temporary, index=False)
    _write_importances(folder / IMPORTANCES, method, sides["test"], root, cfg.seed)
    return row


def _write_importances(file: Path, method: Classic, pairs: pd.DataFrame, root: Path, seed: int) -> None:
    """Write which features matter, `feature, importance, deviation`, the most important first, if there are any."""
    rows = np.unique(np.linspace(0, len(pairs) - 1, min(_MOST, len(pairs))).astype(int))
    own = pairs.iloc[rows]
    found = method.importances(Crops(own, root, "test for importances"), own["label"].to_numpy(np.int64), seed)
    if not found:
        return
    table = pd.DataFrame([(name, *value) for name, value in found.items()])
    table.columns = pd.Index(["feature", "importance", "deviation"])
    with replacing(file) as temporary:
        table.sort_values("importance", ascending=False, kind="stable").to_csv(temporary, index=False)
