"""What an export rests on: pairs to try the file on, and where its model comes from."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from oresort.belt.sample import sample_crops
from oresort.console.progress import track
from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError, one_line
from oresort.files.reading import present
from oresort.learn.checkpoint import Trained
from oresort.learn.record import RECORD, read_row
from oresort.paths import version_of
from oresort.represent.representation import Planes
from oresort.runtime.model import BATCH

_SEED = 2_015  # of simulated pairs: any, and none that a dataset is made of by habit


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
    settings = {**trained.data, "root": root, "cache": cache, "follow_links": follow_links}
    try:
        data = OreDataModule(**settings)
    except (InputError, TypeError, ValueError) as error:
        why = f"the settings of its data cannot be used ({one_line(error)})"
        raise InputError(f"{trained.file}: {why}; give one that oresort.train wrote") from error
    rows = np.unique(np.linspace(0, len(data.planes) - 1, min(count, len(data.planes))).astype(int))
    for start in range(0, len(rows), BATCH):
        yield np.array(data.planes[rows[start : start + BATCH]])


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
    }
