"""Which pairs train, validate and test: given by the user, or drawn so that no scan is on two sides."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.layout import CLASSES, SPLIT_FILE, SPLITS

SHARES = (0.70, 0.15, 0.15)
"""Share of the pairs in train, val and test: the paper's."""


class LeakageWarning(UserWarning):
    """One scan stands on two sides of a split, so figures measured on it are too good."""


def assign_splits(frame: pd.DataFrame, root: Path, *, split: str, seed: int, strict: bool) -> pd.DataFrame:
    """Return the manifest with `split` filled: train, val or test in every row.

    `split="given"` takes the manifest's column, else the released split file, else draws; `"seeded"` always
    draws, grouped by scan. Pairs that a split file does not name are left out, with a warning.

    Raises:
        InputError: an unknown choice, an unreadable or overlapping split file, an empty split, a split
            with one class only; with `strict` also leakage and pairs left out.
    """
    if split not in ("given", "seeded"):
        raise InputError(f"data.split={split}: unknown; known are given, seeded")
    file = root / SPLIT_FILE
    if split == "given" and (frame["split"] != "").all():
        origin = "manifest.csv"
    elif split == "given" and file.is_file():
        frame, origin = _from_file(frame, file, strict), str(file)
    else:
        frame, origin = frame.assign(split=grouped_split(frame, seed)), f"data.split_seed={seed}"
    _check_classes(frame, origin)
    _check_leakage(frame, origin, strict)
    return frame.reset_index(drop=True)


def grouped_split(frame: pd.DataFrame, seed: int) -> list[str]:
    """Draw a split of whole scans near 70/15/15, stratified by class as far as the groups allow.

    Scans are taken in random order, large ones first, each to the side whose share of its classes is
    furthest from full: greedy, and within one scan's size of the wanted counts.
    """
    counts = pd.crosstab(frame["scan"], frame["label"]).reindex(columns=range(len(CLASSES)), fill_value=0)
    rng = np.random.default_rng(seed)
    counts = counts.iloc[rng.permutation(len(counts))]
    counts = counts.iloc[np.argsort(-counts.sum(axis=1).to_numpy(), kind="stable")]
    totals = counts.sum(axis=0).to_numpy()
    wanted = np.outer(SHARES, totals).astype(np.float64)
    have = np.zeros_like(wanted)
    side_of = {}
    for scan, group in zip(counts.index, counts.to_numpy(), strict=True):
        # the change of the squared miss, each class measured by its own total
        change = (have + group - wanted) ** 2 - (have - wanted) ** 2
        side = int((change / np.maximum(wanted, 1) / np.maximum(totals, 1)).sum(axis=1).argmin())
        have[side] += group
        side_of[scan] = SPLITS[side]
    _fill_gaps(side_of, dict(zip(counts.index, counts.to_numpy(), strict=True)))
    return [side_of[scan] for scan in frame["scan"]]


def _fill_gaps(side_of: dict[str, str], counts: dict[str, NDArray[np.int64]]) -> None:
    # few large scans can leave a side without a class: give it the smallest scan that another side can spare
    def held(side: str) -> NDArray[np.int64]:
        return sum((counts[s] for s in side_of if side_of[s] == side), np.zeros(len(CLASSES), np.int64))

    for label in range(len(CLASSES)):
        for side in SPLITS:
            if held(side)[label]:
                continue
            spare = [
                scan
                for scan, donor in side_of.items()
                if counts[scan][label] and (held(donor) > counts[scan])[counts[scan] > 0].all()
            ]
            if spare:
                side_of[min(spare, key=lambda scan: counts[scan].sum())] = side


def _key(entry: str) -> str:
    return "/".join(entry.replace("\\", "/").strip("/").split("/")[-2:])


def _from_file(frame: pd.DataFrame, file: Path, strict: bool) -> pd.DataFrame:
    try:
        sides = json.loads(file.read_text(encoding="utf-8"))
        named = {side: [_key(entry) for entry in sides[side]] for side in SPLITS}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f'{file}: not {{"train": [paths], "val": [...], "test": [...]}} ({error!r}); write it again'
        ) from error
    side_of: dict[str, str] = {}
    for side, entries in named.items():
        for key in entries:
            if side_of.setdefault(key, side) != side:
                raise InputError(f"{file}: {key} is in both {side_of[key]} and {side}; keep one")
    # a pair is known by its folder: the last two parts of the path to its images' folder
    keys: pd.Series[str] = frame["low"].map(lambda path: _key(str(Path(path).parent.as_posix())))
    for problem, odd in (
        ("entries without a pair on disk", set(side_of) - set(keys)),
        ("pairs that no split names, left out", set(keys) - set(side_of)),
    ):
        text = f"{file}: {len(odd)} {problem} (first: {min(odd, default='')})"
        if odd and strict:
            raise InputError(f"{text}; mend the file or data.strict=false")
        if odd:
            warnings.warn(text, UserWarning, stacklevel=2)
    named_rows = frame.assign(split=keys.map(side_of).fillna(""))
    return named_rows[named_rows["split"] != ""]


def _check_classes(frame: pd.DataFrame, origin: str) -> None:
    for side in SPLITS:
        present = set(frame.loc[frame["split"] == side, "label"])
        if not present:
            raise InputError(f"{origin}: split {side} is empty; each side needs at least one whole scan")
        missing = [name for label, name in enumerate(CLASSES) if label not in present]
        if missing:
            raise InputError(f"{origin}: split {side} has no {missing[0]}; every side needs both classes")


def _check_leakage(frame: pd.DataFrame, origin: str, strict: bool) -> None:
    sides = frame.groupby("scan")["split"].nunique()
    leaking = sorted(sides.index[sides > 1])
    if not leaking:
        return
    share = frame["scan"].isin(leaking).mean()
    text = (
        f"{origin}: leakage: {len(leaking)} scans (first: {leaking[0]}) stand on several sides, {share:.0%} "
        "of the pairs; data.split=seeded draws a split grouped by scan"
    )
    if strict:
        raise InputError(text)
    warnings.warn(text, LeakageWarning, stacklevel=2)
