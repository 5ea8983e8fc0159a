"""Runs that go on after something happened to them, and caches that are not what was written."""

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from faults.harness import End, Kind
from faults.kinds.checks import EVALUATE, Touches, finished, in_bytes, in_checkpoint, same_predictions, text
from faults.world import MODEL


def _left(file: str) -> Callable[[Path], None]:
    """Leave what a killed process leaves of a file, some time ago."""

    def write(here: Path) -> None:
        (here / file).write_text("x")
        os.utime(here / file, (0, 0))

    return write


_SAME = f"train data.root=set {MODEL} trainer.max_epochs=2 out=cut"


_LAST = "cut/checkpoints/last.ckpt"


def _goes_on(here: Path, _: End) -> None:
    finished(here)


def _moved(here: Path) -> None:
    shutil.move(here / "cut", here / "elsewhere")
    (here / "cut").symlink_to("elsewhere")


def _busy(here: Path) -> None:
    """Another process is at work in the folder: this one, until it ends."""
    handle = os.open(here / "cut", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)


_RESUMED: dict[str, tuple[Callable[[Path], object] | None, str | None]] = {
    # what happened to the killed run, and what the next start says; None: it goes on to the same end
    "as it was left": (None, None),
    "a half-written checkpoint beside it": (_left("cut/checkpoints/.last-abcdefgh.ckpt"), None),
    "last.ckpt cut short": (in_bytes(_LAST, lambda d: d[: len(d) // 2]), r"last\.ckpt"),
    "last.ckpt empty": (text(_LAST, ""), r"last\.ckpt"),
    "last.ckpt is text": (text(_LAST, "x"), r"last\.ckpt"),
    "last.ckpt is a list": (in_checkpoint(lambda c: [1], _LAST), r"last\.ckpt"),
    "last.ckpt without a state": (in_checkpoint(lambda c: c.pop("state_dict") and None, _LAST), r"last\.ckpt"),
    "last.ckpt without its loops": (in_checkpoint(lambda c: c.pop("loops") and None, _LAST), r"last\.ckpt"),
    "last.ckpt without its optimiser": (in_checkpoint(lambda c: c.pop("optimizer_states") and None, _LAST), "last"),
    "last.ckpt of another model": (
        lambda here: shutil.copy(here / "runs/B/checkpoints/last.ckpt", here / _LAST), r"last\.ckpt"),
    "last.ckpt with NaN": (
        in_checkpoint(lambda c: [v.fill_(float("nan")) for v in c["state_dict"].values() if v.is_floating_point()]
                    and None, _LAST), "cut"),
    "last.ckpt that acts": (lambda here: (here / _LAST).write_bytes(pickle.dumps(Touches())), r"last\.ckpt"),
    "best.ckpt cut short": (in_bytes("cut/checkpoints/best.ckpt", lambda d: d[: len(d) // 2]), None),
    "metrics.csv empty": (text("cut/metrics.csv", ""), r"metrics\.csv"),
    "metrics.csv is noise": (in_bytes("cut/metrics.csv", lambda d: bytes(range(256))), r"metrics\.csv"),
    "metrics.csv missing": (lambda here: (here / "cut/metrics.csv").unlink(), None),
    "metrics.json empty": (text("cut/metrics.json", ""), r"metrics\.json"),
    "metrics.json missing": (lambda here: (here / "cut/metrics.json").unlink(), None),
    "config.yaml empty": (text("cut/config.yaml", ""), r"config\.yaml"),
    "config.yaml missing": (lambda here: (here / "cut/config.yaml").unlink(), r"config\.yaml"),
    "config.yaml is text": (text("cut/config.yaml", "a: [1"), r"config\.yaml"),
    "config.yaml is deep": (text("cut/config.yaml", "[" * 50_000), r"config\.yaml"),
    "config.yaml of another key": (text("cut/config.yaml", "nothing: 1\n"), r"nothing|config\.yaml"),
    "moved": (_moved, None),
    "provenance missing": (lambda here: (here / "cut/provenance.json").unlink(), None),
}  # fmt: skip


def _cache(kind: str, change: Callable[[Path], object]) -> Callable[[Path], None]:
    return lambda here: [change(file) for file in (here / "set/.cache").glob(f"{kind}-*")] and None


def _planes(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return _cache("planes", lambda file: np.save(file, change(np.load(file))))


_CACHES: dict[str, Callable[[Path], object]] = {
    "empty": _cache("planes", lambda f: f.write_bytes(b"")),
    "noise": _cache("planes", lambda f: f.write_bytes(os.urandom(500))),
    "cut short": _cache("planes", lambda f: f.write_bytes(f.read_bytes()[:-4_000])),
    "one bit": _cache("planes", lambda f: f.write_bytes(f.read_bytes()[:-4_000] + b"\x01" + f.read_bytes()[-3_999:])),
    "NaN": _planes(lambda a: np.full_like(a, np.nan)),
    "another shape": _planes(lambda a: a[:, :, :8, :8]),
    "rows swapped": _planes(lambda a: a[::-1]),
    "fewer rows": _planes(lambda a: a[:5]),
    "float64": _planes(lambda a: a.astype(np.float64)),
    "objects": _cache("planes", lambda f: np.save(f, np.array([Touches()], object), allow_pickle=True)),
    "hashes empty": _cache("hashes", lambda f: f.write_bytes(b"")),
    "hashes cut short": _cache("hashes", lambda f: f.write_bytes(f.read_bytes()[:100])),
    "hashes of others": _cache("hashes", lambda f: np.save(f, np.zeros((3, 2), np.uint64))),
    "hashes that act": _cache("hashes", lambda f: f.write_bytes(pickle.dumps(Touches()))),
    "planes missing": _cache("planes", Path.unlink),
    "hashes missing": _cache("hashes", Path.unlink),
    "half-written beside it": _cache(
        "planes", lambda f: os.utime(f.rename(f.with_name(f".{f.stem}-abcdefgh.npy")), (0, 0))
    ),
}


_UNTOLD = {"planes missing", "hashes missing", "half-written beside it"}


KINDS = [
    *(Kind(f"resume: {name}", "train resume=cut", change, says, holds=None if says else _goes_on)
      for name, (change, says) in _RESUMED.items()),
    *(Kind(f"same command: {name}", _SAME, change, says, holds=None if says else _goes_on)
      for name, (change, says) in _RESUMED.items() if not name.startswith("config.yaml of")),
    Kind("resume: no such folder", "train resume=nowhere", says="nowhere"),
    Kind("resume: a dataset", "train resume=set", says="set"),
    Kind("resume: a sweep", "train resume=runs", text("runs/multirun.yaml", "x: 1"), "runs"),
    Kind("resume: with another key", "train resume=cut optim.lr=1", says=r"optim\.lr"),
    Kind("resume: its dataset is gone", "train resume=cut", lambda here: (here / "set").rename(here / "gone"), "set"),
    Kind("resume: its dataset has changed", "train resume=cut",
         lambda here: shutil.rmtree(sorted((here / "set").glob("ore_*"))[0]), "pairs"),
    Kind("same command: another key", f"{_SAME} optim.lr=1e-5", says=r"optim\.lr"),
    Kind("same command: fewer epochs", _SAME.replace("epochs=2", "epochs=1"), says="cut"),
    Kind("same command: finished, and moved", "train resume=there",
         lambda here: shutil.copytree(here / "run", here / "there"), holds=lambda here, _: finished(here, "there")),
    Kind("two processes: train", _SAME, _busy, "another process"),
    *(Kind(f"cache: {name}", EVALUATE, change, holds=same_predictions, warns=None if name in _UNTOLD else "built anew")
      for name, change in _CACHES.items()),
    Kind("cache: a file in its place", EVALUATE,
         lambda here: shutil.rmtree(here / "set/.cache") or (here / "set/.cache").touch(), r"\.cache"),
    Kind("evaluate: twice into one folder", EVALUATE.replace("[]", "[png]"), lambda here: (here / "e").mkdir(),
         holds=same_predictions),
]  # fmt: skip
