"""The index of a dataset: one row per pair, checked before anything is decoded."""

import os
import shlex
from pathlib import Path

import numpy as np
import pandas as pd

from oresort.errors import InputError
from oresort.files.layout import CLASSES, MANIFEST, REQUIRED, SPLITS, index_released
from oresort.xray.transmission import NOMINAL_AIR

_KNOWN = {"label": CLASSES, "split": (*SPLITS, ""), "background": ("zero", "air")}


def load_manifest(root: Path, *, follow_links: bool = False) -> pd.DataFrame:
    """Return the dataset's index, from `manifest.csv` or else from the released folder layout.

    Columns: `id, low, high, scan, batch, split, background` (text; paths relative to the root; split may be empty;
    background `zero` or `air`), `label` (int64, ore 1), `x, y, w, h` (pixels of the scan), `grade` (wt % Cu), `mass`
    (g), `air` (counts); NaN in a number means unknown, except `air`, which falls back to the sorter's nominal level.

    InputError for a missing root, file or column, a duplicate id or image, an unknown label, split or background, a
    value that is no finite number >= 0, or a path that leaves the root; symbolic links may do so with `follow_links`.
    """
    if not root.is_dir():
        raise InputError(
            f"{root}: not a folder; give the dataset's root as data.root=DIR, or simulate one: "
            f"python -m oresort.simulate preset=paper {shlex.quote(f'out={root}')}"
        )
    file = root / MANIFEST
    frame, origin = (_read(file), file) if file.is_file() else (index_released(root), root)
    if frame.empty:
        raise InputError(f"{origin}: no pairs; expected rows, or <class>_<batch>/<scan>-x..-y..-w..-h../ folders")
    for column in ("batch", "split", "background"):
        if column not in frame:
            frame[column] = ""
    frame["background"] = frame["background"].replace("", "zero")
    _check_text(frame, origin)
    for column in ("x", "y", "w", "h", "grade", "mass", "air"):
        # no counts without any air
        frame[column] = _numbers(frame, column, origin, least=column == "air") if column in frame else np.nan
    _check_paths(frame, root, origin, follow_links)
    frame["air"] = frame["air"].fillna(NOMINAL_AIR)
    frame["label"] = frame["label"].map(CLASSES.index).astype(np.int64)
    return frame.reset_index(drop=True)


def _read(file: Path) -> pd.DataFrame:
    try:
        # as text: pandas would turn an id such as 007 into 7, and a grade of "nan" into "unknown"
        frame = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a CSV table ({str(error).strip()}); write it again") from error
    missing = [column for column in REQUIRED if column not in frame]
    if missing:
        raise InputError(f"{file}: no column {', '.join(missing)}; needed are {', '.join(REQUIRED)}")
    return frame


def _refuse(frame: pd.DataFrame, origin: Path, column: str, bad: "pd.Series[bool]", mend: str) -> None:
    """Raise InputError for the first row that is bad in a column, if there is one."""
    if bad.any():
        row = frame[bad].iloc[0]
        raise InputError(f"{origin}: id {row['id']!r} has {column} {row[column]!r}{mend}")


def _check_text(frame: pd.DataFrame, origin: Path) -> None:
    for column in ("id", "low", "high"):
        _refuse(frame, origin, column, frame[column].duplicated(), ", twice; keep one row of each")
    for column, known in _KNOWN.items():
        _refuse(frame, origin, column, ~frame[column].isin(known), f"; known are {', '.join(filter(None, known))}")
    _refuse(frame, origin, "scan", frame["scan"] == "", "; name the scan, splits are grouped by it")
    half = (frame["split"] == "") & bool((frame["split"] != "").any())
    _refuse(frame, origin, "split", half, " while others have one; fill all rows or none")


def _numbers(frame: pd.DataFrame, column: str, origin: Path, least: float) -> "pd.Series[float]":
    text = frame[column].astype(str)
    number = pd.to_numeric(text.where(text != "", None), errors="coerce").astype(np.float64)
    usable = number.between(least, np.inf, inclusive="left")  # nan is not
    _refuse(frame, origin, column, text.ne("") & ~usable, "; give a number >= 0, or nothing if it is unknown")
    return number


def _check_paths(frame: pd.DataFrame, root: Path, origin: Path, follow_links: bool) -> None:
    base = Path(os.path.realpath(root))
    for column in ("low", "high"):
        # as written, no path leaves; resolved, a symbolic link may, which is the user's to allow
        paths = [base / text for text in frame[column]]
        outside = pd.Series([not _below(os.path.normpath(path), base) for path in paths], index=frame.index)
        _refuse(frame, origin, column, outside, ", outside the dataset's root; move it inside")
        if not follow_links:
            leads = pd.Series([not _below(os.path.realpath(path), base) for path in paths], index=frame.index)
            mend = "; move what it leads to inside, or allow it by data.follow_links=true"
            _refuse(frame, origin, column, leads, f", a symbolic link that leads outside the dataset's root{mend}")


def _below(path: str, base: Path) -> bool:
    return base in Path(path).parents
