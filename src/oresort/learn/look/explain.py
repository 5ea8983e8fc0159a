"""All that explains a checkpoint's decisions on one split of a dataset."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.classic.base import Curve, fit_curve
from oresort.console.progress import track
from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.learn.look.changes import moved
from oresort.learn.look.controls import MOST, control
from oresort.learn.look.crops import Crop, Left, read_crops
from oresort.learn.look.curves import Curves, curves
from oresort.learn.look.galleries import ASKED, galleries, places_of
from oresort.learn.look.maps import has_grad_cam, together
from oresort.learn.look.shares import Looked, look
from oresort.learn.origin import evenly
from oresort.learn.trained import Trained
from oresort.runtime.model import BATCH
from oresort.sorting.decide import is_ore
from oresort.sorting.probability import check_probabilities

TRAINED = "trained"


class Explained(NamedTuple):
    """What explains a model's decisions; rows are pairs that were looked at, N of them, in the manifest's order."""

    data: str  # hash of the dataset, see `oresort.data.index.fingerprint`
    pairs: pd.DataFrame  # N rows: the manifest's, with `p_ore`, `called` (bool), `sampled` (bool: counts in figures)
    split: int  # pairs of the whole split
    left: list[Left]
    grad_cam: bool  # the towers make maps
    looked: dict[str, Looked]  # of the model, `TRAINED`, and of each control; the M sampled pairs
    curves: Curves | None  # of some sampled pairs
    curved: NDArray[np.int64]  # which of the sampled ones
    moved: dict[str, NDArray[np.float32]]  # p_ore (N,) after each change, by its name; as it is by ""
    galleries: dict[str, list[int]]  # rows of `pairs`
    shown: Looked  # of all N pairs; `maps` has those in galleries
    crops: list[Crop]  # N
    rock: Curve  # l = f(h) of ordinary rock of these pairs


class Options(NamedTuple):
    """What is looked at, see `conf/explain.yaml`."""

    split: str = "test"
    most: int | None = 1000
    steps: int = 16
    gallery: int = 6
    ids: Sequence[str] = ()
    controls: Sequence[str] = ("random", "shuffled")
    curves: int = 100
    seed: int = 0


def explain(trained: Trained, data: OreDataModule, options: Options) -> Explained:
    """Explain a checkpoint's decisions on one split.

    Figures are of at most `most` pairs, evenly over the split; galleries are chosen from all of it.

    Raises:
        InputError: a split without pairs, ids that are not in it, no pair with a mask, or gradients or answers that are
            not finite.
    """
    index, representation, net = data.frame, trained.representation, trained.module.net
    rows = np.flatnonzero(index["split"] == options.split)
    if not len(rows):
        raise InputError(f"{data.root}: no pairs of split={options.split}")
    frame = index.iloc[rows].reset_index(drop=True)
    asked = places_of(options.ids, frame, options.split)
    p_ore = _answers(trained, data, rows)
    called, ore = is_ore(p_ore, trained.threshold), frame["label"].to_numpy() == 1
    chosen = galleries(p_ore, called, ore, trained.threshold, options.gallery)
    if asked:
        chosen[ASKED] = asked
    sampled = evenly(np.arange(len(rows)), len(rows) if options.most is None else options.most)
    wanted = np.union1d(sampled, [place for places in chosen.values() for place in places]).astype(np.int64)
    places, crops, left = read_crops(frame.iloc[wanted], data.root, representation)
    if not np.isin(wanted[places], sampled).any():
        raise InputError(f"{data.root}: {left[0].id}: {left[0].why}; so with all pairs of split={options.split}")
    kept = wanted[places]  # places in the split
    row_of = {int(place): row for row, place in enumerate(kept)}
    chosen = {name: [row_of[place] for place in places if place in row_of] for name, places in chosen.items()}
    pairs = frame.iloc[kept].assign(p_ore=p_ore[kept], called=called[kept], sampled=np.isin(kept, sampled))
    pairs = pairs.reset_index(drop=True)

    planes, count = np.array(data.planes[rows[kept]]), np.flatnonzero(pairs["sampled"])
    curved = evenly(np.arange(len(count)), options.curves) if options.curves else np.zeros(0, np.int64)
    in_picture = {row for rows_ in chosen.values() for row in rows_} | {int(count[i]) for i in curved}
    shown = look(net, representation, planes, crops, called[kept], options.steps, kept=frozenset(in_picture))
    looked = {TRAINED: _part(shown, count)}
    training = evenly(np.flatnonzero(index["split"] == "train"), MOST)
    for name in options.controls:
        other = control(name, trained, data.planes[training], index["label"].to_numpy(np.int64)[training], options.seed)
        own = [crops[row] for row in count]
        looked[name] = look(
            other, representation, planes[count], own, None, options.steps, about=f"looking, {name} control"
        )
    found = None
    if len(curved):
        own_rows = count[curved]
        kinds = together(shown.kinds)
        maps = [{kind: shown.maps[int(row)][kind] for kind in kinds} for row in own_rows]
        decided = called[kept][own_rows]
        found = curves(net, representation, planes[own_rows], maps, decided, trained.temperature, options.seed)
    after = moved(trained, crops)
    rock = fit_curve([crop.pixels for crop in crops if crop.pixels.mask.any()])
    return Explained(
        data.fingerprint(), pairs, len(rows), left, has_grad_cam(net, representation), looked, found, curved, after,
        chosen, shown, crops, rock,
    )  # fmt: skip


def _answers(trained: Trained, data: OreDataModule, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    starts = range(0, len(rows), BATCH)
    parts = (np.array(data.planes[rows[start : start + BATCH]]) for start in starts)
    found = np.concatenate([trained.answer(planes) for planes in track(parts, len(starts), "classifying")])
    check_probabilities(found, f"{trained.file}: p_ore")
    return found


def _part(looked: Looked, rows: NDArray[np.int64]) -> Looked:
    own = {name: getattr(looked, name)[rows] for name in ("mass", "rank", "area", "cell", "missing")}
    return looked._replace(**own, maps={})
