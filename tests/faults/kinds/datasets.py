"""Manifests, split files, roots and descriptions of datasets that are wrong, and those that only look odd."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from faults.harness import Kind
from faults.kinds.checks import EVALUATE, same_predictions, test_pair
from pairs import write_manifest

from oresort.files.dataset import Cutting, write_dataset

_SEE = "evaluate ckpt=run data.root=set"
# fits in a moment, and looks at every pair
_CLASSIC = "classic method=r_value data.root=set out=r"


def _manifest(**changes: str) -> Callable[[Path], None]:
    """Index the dataset by a manifest whose first row has other values."""
    return lambda here: write_manifest(here / "set", **changes) and None


def _rows(change: Callable[[pd.DataFrame], pd.DataFrame | None], **options: object) -> Callable[[Path], None]:
    """Index the dataset by a manifest that a function changes; options are of `to_csv`."""

    def write(here: Path) -> None:
        file = write_manifest(here / "set") / "manifest.csv"
        frame = pd.read_csv(file, dtype=str)
        changed = change(frame)
        (frame if changed is None else changed).to_csv(file, index=False, **options)

    return write


def _text(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(here: Path) -> None:
        file = write_manifest(here / "set") / "manifest.csv"
        file.write_bytes(change(file.read_bytes()))

    return write


def _second_row(column: str) -> Callable[[pd.DataFrame], None]:
    def copy(frame: pd.DataFrame) -> None:
        frame.loc[1, column] = frame.loc[0, column]

    return copy


def _sides(change: Callable[[dict[str, list[str]]], object]) -> Callable[[Path], None]:
    """Write a split file: the run's own split, changed."""

    def write(here: Path) -> None:
        sides = _drawn(here)
        changed = change(sides)
        (here / "set/train_val_test.json").write_text(json.dumps(sides if changed is None else changed))

    return write


def _drawn(here: Path) -> dict[str, list[str]]:
    from oresort.data.splits import assign_splits
    from oresort.files.manifest import load_manifest

    root = here / "set"
    frame = assign_splits(load_manifest(root), root, split="seeded", seed=0, strict=False)
    return {side: frame.loc[frame["split"] == side, "id"].tolist() for side in ("train", "val", "test")}


def _file(name: str, content: str | bytes) -> Callable[[Path], None]:
    def write(here: Path) -> None:
        (here / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return write


def _fifo(name: str) -> Callable[[Path], None]:
    return lambda here: os.mkfifo(here / name)


def _link_out(here: Path) -> None:
    pair = test_pair(here)
    (pair / "low.tiff").rename(here / "elsewhere.tiff")
    (pair / "low.tiff").symlink_to(here / "elsewhere.tiff")


def _circle(here: Path) -> None:
    (here / "set/ore_9").symlink_to(here / "set/ore_9")


_MANIFEST = r"set/manifest\.csv: "
_DEEP = "[" * 100_000
NUMBERS = ("x", "y", "w", "h", "grade", "mass", "air")

KINDS = [
    # --- manifests
    Kind("manifest: empty", _SEE, _file("set/manifest.csv", ""), _MANIFEST),
    Kind("manifest: a header alone", _SEE, _rows(lambda f: f[:0]), _MANIFEST),
    Kind("manifest: noise", _SEE, _file("set/manifest.csv", bytes(range(256)) * 40), _MANIFEST),
    Kind("manifest: NUL bytes", _SEE, _file("set/manifest.csv", bytes(4_000)), _MANIFEST),
    Kind("manifest: an image", _SEE, lambda here: (test_pair(here) / "low.tiff").rename(here / "set/manifest.csv"),
         _MANIFEST),
    Kind("manifest: a folder", _SEE, lambda here: (here / "set/manifest.csv").mkdir(), r"set/manifest\.csv"),
    Kind("manifest: a FIFO", _SEE, _fifo("set/manifest.csv"), r"set/manifest\.csv"),
    Kind("manifest: Latin-1", _SEE, _text(lambda d: d.replace(b"ore_10", b"\xe9re_10")), _MANIFEST),
    Kind("manifest: UTF-16", _SEE, _text(lambda d: d.decode().encode("utf-16")), _MANIFEST),
    Kind("manifest: semicolons", _SEE, _text(lambda d: d.replace(b",", b";")), _MANIFEST),
    Kind("manifest: tabs", _SEE, _text(lambda d: d.replace(b",", b"\t")), _MANIFEST),
    Kind("manifest: an open quote", _SEE, _text(lambda d: d[:-30] + b'"' + d[-30:]), r"manifest|tiff"),
    Kind("manifest: a row of more cells", _SEE, _text(lambda d: d + b",".join([b"x"] * 40) + b"\n"), _MANIFEST),
    Kind("manifest: cut within a row", _SEE, _text(lambda d: d[:-45]), _MANIFEST),
    Kind("manifest: one cell of 10 MB", _SEE, _manifest(label="o" * 10_000_000), _MANIFEST),
    *(Kind(f"manifest: no {column}", _SEE, _rows(lambda f, c=column: f.drop(columns=c)), column)
      for column in ("id", "low", "high", "label", "scan")),
    *(Kind(f"manifest: {column} twice", _SEE, _rows(_second_row(column)), column) for column in ("id", "low", "high")),
    Kind("manifest: one column twice", _SEE, _text(lambda d: d.replace(b"batch", b"label", 1)), _MANIFEST),
    *(Kind(f"manifest: {column} empty", _SEE, _manifest(**{column: ""}), column)
      for column in ("id", "low", "high", "label", "scan")),
    Kind("manifest: unknown label", _SEE, _manifest(label="Ore"), "label 'Ore'"),
    Kind("manifest: a number as label", _SEE, _manifest(label="1"), "label '1'"),
    Kind("manifest: unknown split", _SEE, _manifest(split="dev"), "split 'dev'"),
    Kind("manifest: split of one row", _SEE, _manifest(split="test"), "split"),
    Kind("manifest: unknown background", _SEE, _manifest(background="white"), "background 'white'"),
    *(Kind(f"manifest: {column} is a word", _SEE, _manifest(**{column: "many"}), f"{column} 'many'")
      for column in NUMBERS),
    *(Kind(f"manifest: {column} below zero", _SEE, _manifest(**{column: "-3"}), f"{column} '-3'")
      for column in NUMBERS),
    *(Kind(f"manifest: {column} infinite", _SEE, _manifest(**{column: "inf"}), f"{column} 'inf'")
      for column in ("grade", "air")),
    Kind("manifest: NaN as air", _SEE, _manifest(air="NaN"), "air 'NaN'"),
    Kind("manifest: air 0", _SEE, _manifest(air="0"), "air '0'"),
    Kind("manifest: air of one count", _SEE, _manifest(air="1"), "air '1'"),
    Kind("manifest: air beyond the detector", _SEE, _manifest(air="1e300"), "air '1e300'"),
    Kind("manifest: low is high", _SEE, _rows(lambda f: f.assign(high=f["low"])), "low"),
    Kind("manifest: path upwards", _SEE, _manifest(low="../raw/a_low.tiff"), r"\.\./raw/a_low\.tiff"),
    Kind("manifest: absolute path", _SEE, _manifest(low="/etc/passwd"), "/etc/passwd"),
    Kind("manifest: path of 5,000 letters", _SEE, _manifest(low="a" * 5_000), "aaaa"),
    Kind("manifest: path of the root", _SEE, _manifest(low="."), r"low"),
    Kind("manifest: NUL in a path", _SEE, _manifest(low="a\0b"), r"manifest\.csv"),
    Kind("manifest: a path that is not there", _SEE, _manifest(low="none.tiff"), r"none\.tiff"),
    Kind("manifest: a URL", _SEE, _manifest(low="https://example.org/low.tiff"), "example"),
    Kind("manifest: BOM", EVALUATE, _text(lambda d: b"\xef\xbb\xbf" + d), holds=same_predictions),
    Kind("manifest: CRLF", EVALUATE, _text(lambda d: d.replace(b"\n", b"\r\n")), holds=same_predictions),
    Kind("manifest: all cells quoted", EVALUATE, _rows(lambda f: f, quoting=1), holds=same_predictions),
    Kind("manifest: a column of its own", EVALUATE, _rows(lambda f: f.assign(mine="x,y")), holds=same_predictions),
    Kind("manifest: columns in another order", EVALUATE, _rows(lambda f: f[f.columns[::-1]]), holds=same_predictions),
    # --- split files
    *(Kind(f"splits: {name}", _SEE, _file("set/train_val_test.json", text), r"train_val_test\.json")
      for name, text in {
          "empty": "", "a word": "train", "a list": "[]", "a number": "7", "null": "null", "deep": _DEEP,
          "no test": '{"train": [], "val": []}', "numbers": '{"train": [1], "val": [2], "test": [3]}',
          "sides are words": '{"train": "a", "val": "b", "test": "c"}', "sides are null":
          '{"train": null, "val": null, "test": null}', "all sides empty": '{"train": [], "val": [], "test": []}',
          "NUL bytes": "\0" * 99, "Latin-1": b'{"train": ["\xe9"], "val": [], "test": []}',
      }.items()),
    Kind("splits: a FIFO", _SEE, _fifo("set/train_val_test.json"), r"train_val_test\.json"),
    Kind("splits: a folder", _SEE, lambda here: (here / "set/train_val_test.json").mkdir(), r"train_val_test\.json"),
    Kind("splits: one pair on two sides", _SEE, _sides(lambda s: s["val"].append(s["train"][0])), "both"),
    Kind("splits: one class in test", _SEE,
         _sides(lambda s: s.update(test=[i for i in s["test"] if i.startswith("ore")])), "test has no waste"),
    Kind("splits: unnamed pairs", _SEE, _sides(lambda s: s["train"].pop(0) and None),
         warns="1 pairs? that no split names"),
    Kind("splits: unnamed pairs, strict", f"{_CLASSIC} data.strict=true", _sides(lambda s: s["train"].pop(0) and None),
         "no split names"),
    Kind("splits: entries of no pair", _SEE, _sides(lambda s: s["train"].append("ore_1/9-x1-y1-w1-h1")),
         warns="without a pair"),
    Kind("splits: as drawn", EVALUATE, _sides(lambda s: None), holds=same_predictions),
    Kind("splits: absolute paths", EVALUATE,
         _sides(lambda s: {k: [f"/elsewhere/{i}" for i in v] for k, v in s.items()}), holds=same_predictions),
    # --- descriptions
    *(Kind(f"dataset.json: {name}", _CLASSIC, _file("set/dataset.json", text), r"dataset\.json")
      for name, text in {
          "empty": "", "a list": "[]", "deep": _DEEP, "another version": '{"version": 99, "cut": null}',
          "no cut": '{"version": 1}', "cut is a word": '{"version": 1, "cut": "registered"}',
          "unknown crops": '{"version": 1, "cut": {"crops": "round"}}', "min_area is a word":
          '{"version": 1, "cut": {"min_area": "many"}}', "convex NaN": '{"version": 1, "cut": {"convex": NaN}}',
          "ranges are words": '{"version": 1, "cut": null, "scans": {"air_low": {"min": "a"}}}',
      }.items()),
    Kind("dataset.json: a FIFO", _CLASSIC, _fifo("set/dataset.json"), r"dataset\.json"),
    Kind("dataset.json: sound", EVALUATE,
         lambda here: write_dataset(here / "set", "x", Cutting()), holds=same_predictions),
    # --- roots
    *(Kind(f"root: {name}", ["evaluate", "ckpt=run", f"data.root={root}"], says=says)
      for name, root, says in (
          ("missing", "nowhere", "nowhere"), ("a file", "cal.json", r"cal\.json"), ("empty", "''", "root"),
          ("5,000 letters", "a" * 5_000, "aaaa"), ("/proc", "/proc", "/proc"), ("/dev", "/dev", "/dev"),
          ("a run", "run", "run"), ("raw scans", "raw", "raw"), ("a space before it", "' set'", "set"),
          ("a newline", "'se\nt'", "se"), ("markup", "[/x]", r"\[/x\]"),
      )),
    Kind("root: null", "classic data.root=null", says=r"data\.root"),
    Kind("root: a FIFO", "evaluate ckpt=run data.root=pipe", _fifo("pipe"), "pipe"),
    Kind("root: a link in a circle", "evaluate ckpt=run data.root=loop",
         lambda here: (here / "loop").symlink_to("loop"), "loop"),
    Kind("root: a link to it", EVALUATE.replace("=set", "=link"),
         lambda here: (here / "link").symlink_to("set"), holds=same_predictions),
    Kind("root: a folder in a circle", _SEE, _circle, "ore_9"),
    Kind("root: a stray folder", _SEE, lambda here: (here / "set/ore_9/tmp").mkdir(parents=True), "ore_9/tmp"),
    Kind("root: a stray file", EVALUATE, _file("set/notes.txt", "mine"), holds=same_predictions),
    Kind("root: a pair without high", _SEE, lambda here: (test_pair(here) / "high.tiff").unlink(), "high"),
    Kind("root: an image that leads outside", _SEE, _link_out, "follow_links"),
    Kind("root: an image that leads outside, allowed", f"{EVALUATE} data.follow_links=true", _link_out,
         holds=same_predictions),
    Kind("root: one class", "classic data.root=set out=r method=r_value",
         lambda here: [p.rename(here / p.name) for p in (here / "set").glob("waste_*")], "waste"),
    Kind("root: accents and spaces", ["evaluate", "ckpt=run", "data.root=Größe Ω/set, [1]", "out=e"],
         lambda here: (here / "Größe Ω").mkdir() or (here / "set").rename(here / "Größe Ω/set, [1]"),
         holds=same_predictions),
]  # fmt: skip
