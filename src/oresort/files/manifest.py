"""The index of a dataset: one row per pair, checked before anything is decoded."""

from pathlib import Path

import numpy as np
import pandas as pd

from oresort.errors import InputError
from oresort.files.layout import CLASSES, MANIFEST, REQUIRED, SPLITS, index_released
from oresort.xray.transmission import NOMINAL_AIR

_NUMBERS = ("x", "y", "w", "h", "grade", "mass", "air")


def load_manifest(root: Path) -> pd.DataFrame:
    """Return the dataset's index, from `manifest.csv` or else from the released folder layout.

    Columns: `id, low, high, scan, batch, split, background` (text; paths relative to the root; split may be
    empty; background `zero` or `air`), `label` (int64, ore 1), `x, y, w, h` (pixels of the scan), `grade`
    (wt % Cu), `mass` (g), `air` (counts); NaN in a number means unknown, except `air`, which falls back to
    the sorter's nominal level.

    Raises:
        InputError: a missing root, file or column, a duplicate id or image, an unknown label, split or
            background, a value that is no finite number >= 0, or a path that leaves the root.
    """
    if not root.is_dir():
        raise InputError(
            f"{root}: not a folder; give the dataset's root as data.root=DIR, or simulate one: "
            f"python -m oresort.simulate preset=paper out={root}"
        )
    file = root / MANIFEST
    frame = _read(file) if file.is_file() else index_released(root)
    origin = str(file if file.is_file() else root)
    if frame.empty:
        raise InputError(f"{origin}: no pairs; expected rows, or <class>_<batch>/<scan>-x..-y..-w..-h../ folders")
    for column in ("batch", "split", "background"):
        if column not in frame:
            frame[column] = ""
    frame["background"] = frame["background"].replace("", "zero")
    _check_text(frame, origin)
    _check_numbers(frame, origin)
    _check_paths(frame, root, origin)
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


def _first(frame: pd.DataFrame, bad: "pd.Series[bool]", column: str) -> str:
    row = frame[bad].iloc[0]
    return f"id {row['id']!r} has {column} {row[column]!r}"


def _check_text(frame: pd.DataFrame, origin: str) -> None:
    for column in ("id", "low", "high"):
        repeated = frame[column].duplicated()
        if repeated.any():
            raise InputError(f"{origin}: {_first(frame, repeated, column)}, twice; keep one row of each")
    for column, known in (("label", CLASSES), ("split", (*SPLITS, "")), ("background", ("zero", "air"))):
        bad = ~frame[column].isin(known)
        if bad.any():
            names = ", ".join(name for name in known if name)
            raise InputError(f"{origin}: {_first(frame, bad, column)}; known are {names}")
    blank = frame["scan"] == ""
    if blank.any():
        raise InputError(f"{origin}: {_first(frame, blank, 'scan')}; name the scan, splits are grouped by it")
    half = (frame["split"] == "") & bool((frame["split"] != "").any())
    if half.any():
        raise InputError(f"{origin}: {_first(frame, half, 'split')} while others have one; fill all rows or none")


def _check_numbers(frame: pd.DataFrame, origin: str) -> None:
    for column in _NUMBERS:
        if column not in frame:
            frame[column] = np.nan
            continue
        text = frame[column].astype(str)
        number = pd.to_numeric(text.where(text != "", None), errors="coerce").astype(np.float64)
        # written so that NaN and infinity are bad; no counts without any air
        usable = np.isfinite(number.to_numpy()) & (number.to_numpy() >= (1 if column == "air" else 0))
        bad = pd.Series((text != "").to_numpy() & ~usable, index=frame.index)
        if bad.any():
            found = _first(frame, bad, column)
            raise InputError(f"{origin}: {found}; give a number >= 0, or nothing if it is unknown")
        frame[column] = number


def _check_paths(frame: pd.DataFrame, root: Path, origin: str) -> None:
    base = root.resolve()
    for column in ("low", "high"):
        for pair, text in zip(frame["id"], frame[column], strict=True):
            # resolved, so that a symbolic link cannot lead out either
            if text == "" or not (base / text).resolve().is_relative_to(base):
                raise InputError(
                    f"{origin}: id {pair!r} has {column} {text!r}, outside the dataset's root; move it inside"
                )
