"""Which pairs train, validate and test: given by the user, or drawn so that no scan is on two sides."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from oresort.console.counted import counted
from oresort.data.draw import drawn_sides
from oresort.data.leaks import leaking_scans, one_name, report
from oresort.errors import InputError
from oresort.files.layout import CLASSES, SPLIT_FILE, SPLITS
from oresort.files.reading import present, read_json

SHARES = (0.70, 0.15, 0.15)  # of the pairs in train, val and test: the paper's


def assign_splits(
    frame: pd.DataFrame, root: Path, *, split: str, seed: int, strict: bool, classes: bool = True
) -> pd.DataFrame:
    """Return the manifest with `split` filled: train, val or test in every row.

    `split="given"` takes the manifest's column, else the released split file, else draws; `"seeded"` always draws,
    grouped by scan. Pairs that a split file does not name are left out, with a warning. Every side must hold both
    classes; one is enough without `classes`.

    Raises:
        InputError: an unknown choice, an unreadable or overlapping split file, an empty split, a split with one class
            only; with `strict` also leakage and pairs left out.
    """
    if split not in ("given", "seeded"):
        raise InputError(f"data.split={split}: unknown; known are given, seeded")
    file = root / SPLIT_FILE
    if split == "given" and (frame["split"] != "").all():
        origin = "manifest.csv"
    elif split == "given" and present(file):
        frame, origin = _from_file(frame, file, strict), str(file)
    else:
        frame, origin = frame.assign(split=grouped_split(frame, seed)), f"data.split_seed={seed}"
    check_classes(frame, origin, CLASSES if classes else ())
    _check_leakage(frame, origin, strict)
    return frame.reset_index(drop=True)


def grouped_split(frame: pd.DataFrame, seed: int) -> list[str]:
    """Draw a split of whole scans near 70/15/15, see `drawn_sides`."""
    return [SPLITS[side] for side in drawn_sides(frame, SHARES, seed)]


def _key(entry: str) -> str:
    return "/".join(entry.replace("\\", "/").strip("/").split("/")[-2:])


def _from_file(frame: pd.DataFrame, file: Path, strict: bool) -> pd.DataFrame:
    sides = read_json(file, "write it again")
    named: dict[str, list[str]] = {}
    for side in SPLITS:
        entries = sides.get(side) if isinstance(sides, dict) else None
        # a text would be taken for a list of its letters
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            wanted = '{"train": [paths], "val": [...], "test": [...]}'
            raise InputError(f"{file}: not {wanted} ({side} is no list of paths); write it again")
        named[side] = [_key(entry) for entry in entries]
    side_of: dict[str, str] = {}
    for key, side in ((key, side) for side, keys in named.items() for key in keys):
        if side_of.setdefault(key, side) != side:
            raise InputError(f"{file}: {key} is in both {side_of[key]} and {side}; keep one")
    # a pair is known by its folder: the last two parts of the path to its images' folder
    keys: pd.Series[str] = frame["low"].map(lambda path: _key(Path(path).parent.as_posix()))
    if (several := keys[keys.isin(side_of) & keys.duplicated()]).any():
        raise InputError(f"{file}: {several.iloc[0]} is several pairs; name the split in manifest.csv")
    unknown, unnamed = set(side_of) - set(keys), set(keys) - set(side_of)
    problems = {"entries without a pair on disk": unknown, "pairs that no split names, left out": unnamed}
    for problem, odd in problems.items():
        text = f"{file}: {len(odd)} {problem} (first: {min(odd, default='')})"
        if odd and strict:
            raise InputError(f"{text}; mend the file or data.strict=false")
        if odd:
            warnings.warn(text, UserWarning, stacklevel=2)
    return frame.assign(split=keys.map(side_of)).dropna(subset="split")


def check_classes(frame: pd.DataFrame, origin: str, needed: Sequence[str]) -> None:
    """Refuse an empty side, or one that lacks one of the classes `needed`; InputError names `origin`, who chose it."""
    for side in SPLITS:
        present = set(frame.loc[frame["split"] == side, "label"])
        if not present:
            raise InputError(f"{origin}: split {side} is empty; each side needs at least one whole scan")
        if missing := [name for label, name in enumerate(needed) if label not in present]:
            raise InputError(f"{origin}: split {side} has no {missing[0]}; every side needs both classes")


def _check_leakage(frame: pd.DataFrame, origin: str, strict: bool) -> None:
    leaking = leaking_scans(frame)
    if leaking:
        share, scans = one_name(frame["scan"]).isin(leaking).mean(), counted(len(leaking), "scan")
        report(
            f"{origin}: leakage: {scans} (first: {leaking[0]}) on several sides, {share:.0%} of the pairs; "
            "data.split=seeded draws a split grouped by scan",
            strict,
        )
