"""The index of a dataset: one row per pair, checked before anything is decoded."""

import os
import shlex
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.layout import CLASSES, MANIFEST, REQUIRED, SPLITS, index_released
from oresort.files.reading import present, read_table
from oresort.xray.transmission import FULL_SCALE, NOMINAL_AIR

_RANGES = {"air": (2.0, float(FULL_SCALE)), "grade": (0.0, 100.0)}  # air must be brighter than no light
_KNOWN = {"label": CLASSES, "split": (*SPLITS, ""), "background": ("zero", "air")}


def load_manifest(root: str | Path, *, follow_links: bool = False, file: str | Path | None = None) -> pd.DataFrame:
    """Return the dataset's index, from `manifest.csv` or else from the released folder layout.

    A `file` of pairs without labels takes the manifest's place; labels are -1 then.

    Columns: `id, low, high, scan, batch, split, background` (text; paths relative to the root; split may be empty;
    background `zero` or `air`), `label` (int64, ore 1), `x, y, w, h` (pixels of the scan), `grade` (wt % Cu), `mass`
    (g), `air` (counts); NaN in a number means unknown, except `air`, which falls back to the nominal level of the
    paper's sorter; a manifest that lacks it is warned of.

    InputError for a missing root, file, column or cell, a duplicate id or image, an unknown label, split or background,
    a value out of its range, or a path that leaves the root; symbolic links may do so with `follow_links`.
    """
    root = Path(root)
    if root.is_file():
        raise InputError(f"{root}: not a folder; give the one that holds the dataset, as data.root={root.parent}")
    if not root.is_dir():
        raise InputError(
            f"{root}: not a folder; give the dataset's root as data.root=DIR, or simulate one: "
            f"python -m oresort.simulate preset=paper {shlex.quote(f'out={root}')}"
        )
    labelled, file = file is None, root / MANIFEST if file is None else Path(file)
    frame, origin = (read_table(file, REQUIRED), file) if present(file) else (index_released(root), root)
    if frame.empty:
        mend = "expected rows, or <class>_<batch>/<scan>-x..-y..-w..-h../ folders; oresort.prepare cuts raw scans"
        raise InputError(f"{origin}: no pairs; {mend}")
    for column in ("batch", "split", "background"):
        if column not in frame:
            frame[column] = ""
    frame["background"] = frame["background"].replace("", "zero")
    _check_text(frame, origin, labelled)
    for column in ("x", "y", "w", "h", "grade", "mass", "air"):
        frame[column] = _numbers(frame, column, origin) if column in frame else np.nan
    _check_paths(frame, root, origin, follow_links)
    if origin != root and (unknown := int(frame["air"].isna().sum())):
        text = f"{origin}: {unknown:,} of {len(frame):,} pairs have no level of air, taken as {NOMINAL_AIR:,.0f} counts"
        warnings.warn(f"{text}; give the counts without a particle in a column air", stacklevel=2)
    frame["air"] = frame["air"].fillna(NOMINAL_AIR)
    frame["label"] = frame["label"].map(CLASSES.index).astype(np.int64) if labelled else np.int64(-1)
    return frame.reset_index(drop=True)


def _refuse(frame: pd.DataFrame, origin: Path, column: str, bad: "pd.Series[bool]", mend: str) -> None:
    """Raise InputError for the first row that is bad in a column, if there is one."""
    if bad.any():
        row = frame[bad].iloc[0]
        raise InputError(f"{origin}: id {row['id']!r} has {column} {row[column]!r}{mend}")


def _check_text(frame: pd.DataFrame, origin: Path, labelled: bool) -> None:
    for column in ("id", "low", "high"):
        _refuse(frame, origin, column, frame[column].str.strip() == "", "; fill it in")
        _refuse(frame, origin, column, frame[column].duplicated(), ", twice; keep one row of each")
    for column, known in _KNOWN.items():
        known = ("",) if column == "label" and not labelled else known
        _refuse(frame, origin, column, ~frame[column].isin(known), f"; known are {', '.join(filter(None, known))}")
    _refuse(frame, origin, "scan", frame["scan"].str.strip() == "", "; name the scan, splits are grouped by it")
    half = (frame["split"] == "") & bool((frame["split"] != "").any())
    _refuse(frame, origin, "split", half, " while others have one; fill all rows or none")


def _numbers(frame: pd.DataFrame, column: str, origin: Path) -> "pd.Series[float]":
    least, most = _RANGES.get(column, (0.0, np.inf))
    text = frame[column].astype(str)
    number = pd.to_numeric(text.where(text != "", None), errors="coerce").astype(np.float64)
    usable = number.between(least, most) & np.isfinite(number)  # nan is not
    up_to = "" if most == np.inf else f" and <= {most:,g}"
    mend = f"; give a number >= {least:g}{up_to}, or nothing if it is unknown"
    mend += "; it is in wt %, of which 1 is 10,000 ppm" if column == "grade" else ""
    _refuse(frame, origin, column, text.ne("") & ~usable, mend)
    return number


def _check_paths(frame: pd.DataFrame, root: Path, origin: Path, follow_links: bool) -> None:
    base = os.path.realpath(root)
    inside = base.rstrip("/") + "/"
    real = _Resolved()
    places = {}
    for column in ("low", "high"):
        # as written, no path leaves; resolved, a symbolic link may, which is the user's to allow
        paths = [text if text.startswith("/") else inside + text for text in frame[column]]
        odd = [".." in path or not path.startswith(inside) for path in paths]  # else there is nothing to make out
        outside = [
            is_odd and not os.path.normpath(path).startswith(inside) for path, is_odd in zip(paths, odd, strict=True)
        ]
        _refuse(frame, origin, column, _marks(outside, frame), ", outside the dataset's root; move it inside")
        places[column] = [real(path) for path in paths]
        if not follow_links:
            leads = [not place.startswith(inside) for place in places[column]]
            mend = "; move what it leads to inside, or allow it by data.follow_links=true"
            why = f", a symbolic link that leads outside the dataset's root{mend}"
            _refuse(frame, origin, column, _marks(leads, frame), why)
    twice = pd.Series([*places["low"], *places["high"]]).duplicated().to_numpy()  # by what it is, however written
    for column, part in zip(("low", "high"), np.split(twice, 2), strict=True):
        _refuse(frame, origin, column, _marks(part, frame), ", an image that is named before; name each image once")


def _marks(bad: Sequence[bool] | NDArray[np.bool_], frame: pd.DataFrame) -> "pd.Series[bool]":
    return pd.Series(np.asarray(bad, bool), index=frame.index)


class _Resolved:
    """Paths as `os.path.realpath` gives them, each folder looked at once: a look takes milliseconds on a far disk."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def __call__(self, path: str) -> str:
        folder, _, name = path.rpartition("/")  # os.path.split takes ten times as long
        if name in ("", ".", "..") or "/../" in path:  # what goes up depends on links
            return os.path.realpath(path)
        folder = folder or "/"
        if folder not in self._folders:
            self._folders[folder] = self(folder).rstrip("/")
        plain = f"{self._folders[folder]}/{name}"
        # of a name that is too long, say, whoever reads the image says so
        return os.path.realpath(plain) if os.path.islink(plain) else plain  # noqa: PTH114
