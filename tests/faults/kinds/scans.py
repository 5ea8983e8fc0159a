"""Scans, calibrations, tables of assays and folders that prepare, calibrate and sort are given."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from faults.harness import End, Kind
from faults.kinds.checks import change_json, same_decisions

_SORT = "sort ckpt=belt.ckpt low=raw/a_low.tiff high=raw/a_high.tiff out=s"
_GIVEN = f"{_SORT} calibration=cal.json"
_PREPARE = "prepare scans=raw out=x label=ore overlay=false"


def _cal(**changes: Any) -> Callable[[Path], None]:
    return lambda here: change_json(here / "cal.json", **changes)


def _layer(**changes: Any) -> Callable[[Path], None]:
    return lambda here: change_json(here / "cal.json", low=lambda low: {**low, **changes})


def _fit(**changes: Any) -> Callable[[Path], None]:
    return lambda here: change_json(here / "cal.json", registration=lambda fit: {**fit, **changes})


def _file(name: str, content: str | bytes) -> Callable[[Path], None]:
    return lambda here: (here / name).write_bytes(content.encode() if isinstance(content, str) else content) and None


def _scan(change: Callable[[np.ndarray], np.ndarray], layer: str = "low", name: str = "a") -> Callable[[Path], None]:
    def write(here: Path) -> None:
        file = here / f"raw/{name}_{layer}.tiff"
        tifffile.imwrite(file, change(tifffile.imread(file)))

    return write


def _both(change: Callable[[np.ndarray], np.ndarray], name: str = "a") -> Callable[[Path], None]:
    return lambda here: [_scan(change, layer, name)(here) for layer in ("low", "high")] and None


def _swapped(here: Path) -> None:
    low, high = here / "raw/a_low.tiff", here / "raw/a_high.tiff"
    low.rename(here / "aside.tiff")
    high.rename(low)
    (here / "aside.tiff").rename(high)


def _many(here: Path, end: End) -> None:
    assert not (here / "s").exists(), "something was written"


_LONG = [0.0] * 7

_CALIBRATIONS: dict[str, Callable[[Path], object]] = {
    "empty": _file("cal.json", ""),
    "text": _file("cal.json", "air: 5"),
    "a list": _file("cal.json", "[]"),
    "deep": _file("cal.json", "[" * 100_000),
    "NUL bytes": _file("cal.json", bytes(4_000)),
    "Latin-1": _file("cal.json", b'{"sorter": "\xe9"}'),
    "cut short": lambda here: (here / "cal.json").write_bytes((here / "cal.json").read_bytes()[:-300]),
    "a FIFO": lambda here: (here / "cal.json").unlink() or os.mkfifo(here / "cal.json"),
    "a folder": lambda here: (here / "cal.json").unlink() or (here / "cal.json").mkdir(),
    "missing": lambda here: (here / "cal.json").unlink(),
    "another version": _cal(version=1),
    "no belt": _cal(belt=None),
    "belt backwards": _cal(belt=[500, 100]),
    "belt beyond": _cal(belt=[0, 10_000_000]),
    "belt of words": _cal(belt=["a", "b"]),
    "no low layer": _cal(low=None),
    "low layer a list": _cal(low=[]),
    "level infinite": _layer(level=float("inf")),
    "level 1e300": _layer(level=1e300),
    "level NaN": _layer(level=float("nan")),
    "level 0": _layer(level=0),
    "level below zero": _layer(level=-5),
    "level a word": _layer(level="much"),
    "air of another width": _layer(air=_LONG),
    "air of zeros": _cal(low=lambda low: {**low, "air": [0.0] * len(low["air"])}),
    "air below zero": _cal(low=lambda low: {**low, "air": [-1.0] * len(low["air"])}),
    "air beyond numbers": _cal(low=lambda low: {**low, "air": [1e300] * len(low["air"])}),
    "air of words": _cal(low=lambda low: {**low, "air": ["a"] * len(low["air"])}),
    "dark above air": _cal(low=lambda low: {**low, "dark": [9e4] * len(low["dark"])}),
    "noise NaN": _cal(low=lambda low: {**low, "noise": [float("nan")] * len(low["noise"])}),
    "noise below zero": _cal(low=lambda low: {**low, "noise": [-1.0] * len(low["noise"])}),
    "faults beyond": _layer(faults={"dead": [10_000_000]}),
    "faults unknown": _layer(faults={"haunted": [1]}),
    "faults a list": _layer(faults=[1]),
    "every column faulty": _cal(low=lambda low: {**low, "faults": {"dead": list(range(len(low["air"])))}}),
    "registration of other names": _cal(registration={"x": 1}),
    "scale NaN": _fit(scale=float("nan")),
    "scale 0": _fit(scale=0),
    "scale 50": _fit(scale=50),
    "scale -1": _fit(scale=-1),
    "row offset 1e9": _fit(row_offset=1e9),
    "centre a word": _fit(centre="middle"),
    "pixel 0": _cal(pixel=0),
    "pixel NaN": _cal(pixel=float("nan")),
    "pixel a word": _cal(pixel="small"),
    "levels of one": _cal(levels=[5]),
    "levels NaN": _cal(levels=[float("nan"), 5]),
}

_SCANS: dict[str, tuple[Callable[[Path], object], str]] = {
    "layers swapped": (_swapped, "a"),
    "all zeros": (_both(np.zeros_like), "a"),
    "all full scale": (_both(lambda a: np.full_like(a, 65_535)), "a"),
    "one layer blank": (_scan(np.zeros_like), "a"),
    "noise": (_both(lambda a: np.random.default_rng(0).integers(0, 65_536, a.shape, np.uint16)), "a"),
    "one line": (_both(lambda a: a[:1]), "a"),
    "one column": (_both(lambda a: a[:, :1]), "a"),
    "layers of two widths": (_scan(lambda a: a[:, :-50]), "a_|raw"),
    "layers of two lengths": (_scan(lambda a: a[:-50]), "a_|raw"),
}

KINDS = [
    *(Kind(f"calibration: {name}", _GIVEN, change, r"cal\.json", holds=_many)
      for name, change in _CALIBRATIONS.items()),
    Kind("calibration: sound", _GIVEN, holds=lambda here, _: (here / "s/decisions.csv").stat()),
    Kind("calibration: of another sorter", _GIVEN, _both(lambda a: a[:, :600]), "calibration"),
    *(Kind(f"sort: {name}", _SORT, change, says, holds=_many) for name, (change, says) in _SCANS.items()),
    *(Kind(f"prepare: {name}", _PREPARE, change, says, lines=2) for name, (change, says) in _SCANS.items()),
    *(Kind(f"calibrate: {name}", "calibrate scans=raw out=x.json", change, says, lines=2)
      for name, (change, says) in _SCANS.items() if name not in ("layers swapped", "noise")),
    Kind("sort: sound", _SORT, holds=same_decisions),
    Kind("sort: an empty folder", "sort ckpt=run scans=none out=s", lambda here: (here / "none").mkdir(), "none"),
    Kind("sort: a folder without pairs", "sort ckpt=run scans=set out=s", says="set"),
    Kind("sort: no scan named", "sort ckpt=run out=s", says="low"),
    Kind("sort: one layer named", "sort ckpt=run low=raw/a_low.tiff out=s", says="high"),
    Kind("sort: a layer without its other", "sort ckpt=belt.ckpt scans=raw out=s",
         lambda here: (here / "raw/b_high.tiff").unlink(), "b_"),
    Kind("sort: scans of two widths", "sort ckpt=belt.ckpt scans=raw out=s", _both(lambda a: a[:, :600], "b"), "b"),
    Kind("sort: a damaged scan among others", "sort ckpt=belt.ckpt scans=raw out=s",
         _file("raw/b_low.tiff", "x"), "b_low", holds=_many),
    Kind("sort: out is a file", _SORT.replace("out=s", "out=cal.json"), says=r"cal\.json"),
    Kind("sort: out is below a file", _SORT.replace("out=s", "out=cal.json/s"), says=r"cal\.json"),
    *(Kind(f"sort: {word}", f"{_SORT} {word}", says=word.partition("=")[0], holds=_many)
      for word in ("threshold=nan", "threshold=7", "threshold=-1", "threshold=inf", "band=nan", "band=-1", "band=2",
                   "faulty=perhaps", "clipped=x", "touching=x", "unsure=x", "pixel=0", "pixel=nan", "pixel=-1",
                   "pixel=inf", "crops=round", "mask=none", "crops=released", "device=quantum", "overlay=perhaps")),
    *(Kind(f"stream: {words}", f"sort ckpt=belt.ckpt out=s {words}", says=says, holds=_many)
      for words, says in {
          "lines=tcp:x": "lines=tcp:x", "lines=udp:5": "lines=udp:5", "lines=tcp:70000": "lines=tcp:70000",
          "lines=- scans=raw": "two sources", "lines=- low=raw/a_low.tiff": "two sources",
          "lines=- joined=false": "joined=false", "watch=true": "watch=true",
          "watch=true low=raw/a_low.tiff high=raw/a_high.tiff": "watch=true", "watch=true scans=nowhere": "nowhere",
          "watch=true scans=raw low=x": "low=x", "watch=perhaps scans=raw": "watch=perhaps",
          "scans=raw watch=true deadline=5": "deadline=5", "lines=- deadline=0": "deadline=0",
          "lines=- deadline=nan": "deadline=nan", "lines=- late=perhaps": "late=perhaps",
          "lines=- first=-1": "first=-1",
          "lines=- first=0": "first=0", "lines=- first=90000": "first=90000", "lines=- idle=0": "idle=0",
          "lines=- idle=nan": "idle=nan", "scans=raw idle=5": "idle=5", "lines=- stall=0": "stall=0",
          "lines=- waiting=1": "waiting=1", "lines=- calibration=nowhere": "nowhere",
      }.items()),
    Kind("stream: nothing on standard input", "sort ckpt=belt.ckpt out=s lines=-", says="lines=-"),
    Kind("stream: out holds other decisions", "sort ckpt=belt.ckpt out=sorted lines=-", says="sorted"),
    Kind("sort: a folder to save the calibration to", f"{_SORT} save_calibration=raw", says=r"(^|[ /=])raw\b"),
    Kind("sort: no such calibration", f"{_SORT} calibration=nowhere", says="nowhere", holds=_many),
    Kind("prepare: an air image that is none", f"{_PREPARE} air=raw/c", says="raw"),
    Kind("prepare: a damaged scan among others", _PREPARE, _file("raw/b_low.tiff", "x"), "scan", lines=2),
    *(Kind(f"assays: {name}", "prepare scans=raw out=x overlay=false", _file("raw/a_truth.csv", text), "scan|raw",
           lines=2)
      for name, text in {
          "noise": bytes(range(256)), "no grade": "x,y,w,h\n1,1,1,1\n", "a word": "x,y,w,h,grade\n1,1,1,1,rich\n",
          "below zero": "x,y,w,h,grade\n1,1,1,1,-3\n", "infinite": "x,y,w,h,grade\n1,1,1,1,inf\n", "empty": "",
      }.items()),
]  # fmt: skip
