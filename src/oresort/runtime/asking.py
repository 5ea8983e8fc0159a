"""A model asked in Python: arrays, files or a dataset in, probabilities out; what cannot be judged is refused."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from oresort.console.progress import track
from oresort.errors import InputError
from oresort.files.dataset import WORDS, otherwise, read_dataset
from oresort.files.layout import UNLABELLED
from oresort.files.reading import present
from oresort.represent.representation import Representation
from oresort.represent.sound import check_box, check_pair
from oresort.runtime.crops import Images, Source, counts_of, paired
from oresort.runtime.model import BATCH, Model
from oresort.sorting.decide import decide
from oresort.sorting.drift import PairFigures, compare, pair_figures
from oresort.sorting.probability import check_probabilities
from oresort.xray.transmission import FULL_SCALE, NOMINAL_AIR

if TYPE_CHECKING:
    import pandas as pd  # takes longer to import than all else that sorting needs


class DriftWarning(UserWarning):
    """Pairs do not look as those of the model's training did, so its answers may be wrong."""


class Prepared(Model, Protocol):
    """A model that says how pairs are prepared for it."""

    @property
    def representation(self) -> Representation:
        """How its pairs become planes."""


class Asked:
    """What every `Prepared` model answers in Python."""

    def predict(
        self: Prepared,
        low: Images,
        high: Images,
        *,
        air: float | Sequence[float] | None = None,
        background: str | None = None,
    ) -> NDArray[np.float32]:
        """Return the probability of ore (N,) of particles, prepared as the model's training pairs were.

        `low` and `high` are crops of raw counts, of each energy one image (H, W), a stack (N, H, W), a file, a folder
        (its images by name), or a list of images and files, each pair of its own size; uint16, or any kind that holds
        whole counts. `air` is the counts without a particle, one number or one a pair; `background` what surrounds
        particles, `zero` or `air`, None: as in training. Air, and from five pairs on their looks, that are not as in
        training are warned of.

        Raises:
            InputError: what holds no counts; layers of other sizes, numbers or names, the same image twice, or layers
                that are exchanged; a crop without particle or background; air that is not known or not of the images.
        """
        lows, highs = paired(low, high)
        around = background or (self.cut.background if self.cut else "zero")
        if around not in WORDS["background"]:
            raise InputError(f"background={around}: unknown; known are {', '.join(WORDS['background'])}")
        levels, boxes = _levels(self, air, len(lows), around), [(np.nan, np.nan)] * len(lows)
        return _answers(self, lows, highs, levels, [around] * len(lows), boxes)

    def predict_folder(self: Prepared, root: str | Path, *, follow_links: bool = False) -> "pd.DataFrame":
        """Return `id, scan, p_ore, decision` of all pairs of a dataset, in the order of its index.

        `root` has `manifest.csv`, with or without `unlabelled.csv` beside it, or the released layout; air and
        background are as they say, as in training. `decision` (ore, waste) is by the model's own threshold.

        Raises:
            InputError: what the dataset has wrong, or one of its pairs, as `predict`.
        """
        import pandas as pd

        from oresort.files.manifest import load_manifest

        root = Path(root)
        tables = [load_manifest(root, follow_links=follow_links)]
        if present(file := root / UNLABELLED):
            tables.append(load_manifest(root, follow_links=follow_links, file=file))
        frame = pd.concat(tables, ignore_index=True)
        _check_cut(self, root)
        lows, highs = ([(str(root / name), root / name) for name in frame[layer]] for layer in ("low", "high"))
        boxes = list(zip(frame["w"], frame["h"], strict=True))
        p_ore = _answers(self, lows, highs, frame["air"].tolist(), frame["background"].tolist(), boxes)
        return frame[["id", "scan"]].assign(p_ore=p_ore, decision=decide(p_ore, self.threshold))


def _levels(model: Prepared, air: float | Sequence[float] | None, count: int, background: str) -> list[float]:
    """Return the air level of each of `count` pairs; NaN where nothing depends on it."""
    if air is None:
        if model.representation.unit == "counts" and background == "zero":
            return [np.nan] * count
        known = model.seen.get("scans", {}).get("air_low")
        usual = f"; in training it was {known['min']:,.0f} to {known['max']:,.0f}" if known else ""
        raise InputError(f"air: not known; give the counts without a particle, such as air={NOMINAL_AIR:.0f}{usual}")
    levels = np.asarray(air, np.float64)
    if levels.shape not in ((), (count,)):
        raise InputError(f"air: {levels.size} levels for {count} pairs; give one, or one a pair")
    for level in levels.ravel():
        if not 1 <= level <= FULL_SCALE:  # NaN is not
            raise InputError(f"air={level:g}: give the counts without a particle, 1 to {FULL_SCALE:,}")
    found: list[float] = np.broadcast_to(levels, (count,)).tolist()
    return found


def _check_cut(model: Prepared, root: Path) -> None:
    here, there = read_dataset(root), model.cut
    if here is not None and there is not None and (words := otherwise(here, there)):
        text = f"{root}: cut otherwise than the pairs that {model.file} was trained on ({words})"
        warnings.warn(f"{text}; cut them alike", DriftWarning, stacklevel=3)


def _answers(
    model: Prepared,
    lows: Sequence[Source],
    highs: Sequence[Source],
    air: Sequence[float],
    background: Sequence[str],
    boxes: Sequence[tuple[float, float]],
) -> NDArray[np.float32]:
    p_ore = np.full(len(lows), np.nan, np.float32)
    figures: list[PairFigures] = []
    batches = _alike(list(zip(air, background, strict=True)))
    # a bar of one step would only be in the way
    for rows in track(batches, len(batches), "classifying particles") if len(batches) > 1 else batches:
        level, around = air[rows[0]], background[rows[0]]
        pairs = [(counts_of(lows[row]), counts_of(highs[row])) for row in rows]
        for row, (low, high) in zip(rows, pairs, strict=True):
            check_box(lows[row][0], low, boxes[row])
            check_pair((lows[row][0], low), (highs[row][0], high), level, around)
            if np.isfinite(level):
                figures.append(pair_figures(low, high, level, around))
        p_ore[rows] = model([low for low, _ in pairs], [high for _, high in pairs], level, around)
    check_probabilities(p_ore, f"{model.file}: p_ore")
    levels = np.array(air)[np.isfinite(air)]
    scan = {"air_low": float(np.median(levels))} if len(levels) else {}
    # not by the answers: which share of the pairs is ore is what the caller chose
    for alarm in [found.alarm for found in compare(model.seen, scan, figures, p_ore[:0]) if found.alarm]:
        warnings.warn(f"not as in training: {alarm}", DriftWarning, stacklevel=3)
    return p_ore


def _alike(kinds: Sequence[tuple[float, str]]) -> list[list[int]]:
    """Return places in groups of at most `BATCH` whose air and background are the same."""
    by_kind: dict[tuple[str, str], list[int]] = {}
    for place, (air, background) in enumerate(kinds):
        by_kind.setdefault((repr(air), background), []).append(place)  # NaN is itself as text alone
    return [rows[start : start + BATCH] for rows in by_kind.values() for start in range(0, len(rows), BATCH)]
