"""What an export rests on: pairs to try the file on, and where its model comes from."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oresort.belt.sample import sample_crops
from oresort.console.progress import track
from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError, one_line
from oresort.files.reading import present
from oresort.learn.quantise import Labelled
from oresort.learn.record import RECORD, read_row
from oresort.learn.trained import Trained
from oresort.paths import version_of
from oresort.represent.representation import Planes
from oresort.runtime.model import BATCH

_CALIBRATION = 256  # training pairs that show which values the layers take
_SEED = 2_015  # of simulated pairs: any, and none that a dataset is made of by habit


def data_of(trained: Trained, root: str, cache: str | None, follow_links: bool) -> OreDataModule:
    """Return a dataset as the checkpoint's own run served it; InputError for what one of them has wrong."""
    settings = {**trained.data, "root": root, "cache": cache, "follow_links": follow_links}
    try:
        return OreDataModule(**settings)
    except (InputError, TypeError, ValueError) as error:
        why = f"the settings of its data cannot be used ({one_line(error)})"
        raise InputError(f"{trained.file}: {why}; give one that oresort.train wrote") from error


def pairs_to_try(
    trained: Trained, count: int, root: str | None, *, cache: str | None = None, follow_links: bool = False
) -> Iterator[Planes]:
    """Yield the planes (n, 4, S, S) of `count` pairs in batches: of a dataset, evenly over it, or simulated ones.

    Raises:
        InputError: what the dataset has wrong.
    """
    if root is None:
        background = trained.cut.background if trained.cut else "zero"
        batch = []
        for crop, air in track(sample_crops(count, _SEED, background), count, "simulating pairs"):
            batch.append(trained.representation.planes(crop.low, crop.high, air, background))
            if len(batch) == BATCH:
                yield np.stack(batch)
                batch = []
        if batch:
            yield np.stack(batch)
        return
    data = data_of(trained, root, cache, follow_links)
    rows = evenly(np.arange(len(data.planes)), count)
    for start in range(0, len(rows), BATCH):
        yield np.array(data.planes[rows[start : start + BATCH]])


def labelled_pairs(trained: Trained, root: str, *, cache: str | None = None, follow_links: bool = False) -> Labelled:
    """Return what a model of 8 bits is made and judged by: some training pairs of a dataset, and all of validation.

    Raises:
        InputError: what the dataset has wrong.
    """
    data = data_of(trained, root, cache, follow_links)
    split, label = data.frame["split"].to_numpy(), data.frame["label"].to_numpy(np.int64)
    rows, val = evenly(np.flatnonzero(split == "train"), _CALIBRATION), np.flatnonzero(split == "val")
    if not len(rows) or not len(val):
        raise InputError(f"{root}: no pairs of train or of val, by which a model of 8 bits is made and judged")
    return Labelled(np.array(data.planes[rows]), np.array(data.planes[val]), label[val])


def evenly(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return at most `count` of some rows (N,), evenly over them."""
    found: NDArray[np.int64] = rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]
    return found


def origin_of(trained: Trained) -> dict[str, Any]:
    """Return where a model comes from, in plain values; `data` is the hash of its run's pairs, None if not known."""
    record = trained.file.parents[1] / RECORD if len(trained.file.parents) > 1 else None
    row = read_row(record) if record is not None and present(record) else {}
    return {
        "made_by": f"oresort.export {version_of('oresort')}",
        "run": row.get("name"),
        "data": row.get("data"),
        "checkpoint": trained.digest,
        "epoch": trained.epoch,
        **({} if trained.cutoff is None else {"cutoff": trained.cutoff}),
    }
