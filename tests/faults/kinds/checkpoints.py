"""Checkpoints of strangers: whatever is in them, they are refused, and nothing of theirs is run."""

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from faults.harness import End, Kind
from faults.kinds.checks import BEST, EVALUATE, Touches, in_bytes, in_checkpoint, pickled, text


def _setting(**changes: object) -> Callable[[Path], None]:
    return in_checkpoint(lambda content: content["hyper_parameters"].update(changes))


def _size(size: object) -> Callable[[Path], None]:
    return in_checkpoint(lambda content: content["hyper_parameters"]["representation"].update(size=size))


def _tower(**changes: object) -> Callable[[Path], None]:
    return in_checkpoint(lambda content: content["hyper_parameters"]["model"]["tower"].update(changes))


def _weights(value: float) -> Callable[[Path], None]:
    def fill(content: dict[str, Any]) -> None:
        name = next(name for name, tensor in content["state_dict"].items() if tensor.ndim > 1)
        content["state_dict"][name].fill_(value)

    return in_checkpoint(fill)


def _number(name: str, value: object) -> Callable[[Path], None]:
    return in_checkpoint(lambda c: c["state_dict"].update({name: torch.as_tensor(value)}))


def _module(name: str) -> Callable[[Path], None]:
    """Put a module into the working folder that leaves a file where it is imported, and name it in the checkpoint."""

    def make(here: Path) -> None:
        (here / f"{name}.py").write_text("open('touched', 'w')\nclass X: pass\n")
        _tower(_target_=f"{name}.X")(here)

    return make


def _zip(here: Path) -> None:
    """A checkpoint whose archive says that it unpacks to 4 GB."""
    with zipfile.ZipFile(here / BEST, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1_000_003))
    data = (here / BEST).read_bytes()
    honest, lie = struct.pack("<I", 1_000_003), struct.pack("<I", 4_000_000_000)
    assert data.count(honest) == 2
    (here / BEST).write_bytes(data.replace(honest, lie))


_STRANGERS: dict[str, Callable[[Path], object]] = {
    "empty": text(BEST, ""),
    "text": text(BEST, "weights"),
    "zeros": in_bytes(BEST, lambda d: bytes(len(d))),
    "cut short": in_bytes(BEST, lambda d: d[: len(d) // 2]),
    "its last bytes lost": in_bytes(BEST, lambda d: d[:-30]),
    "a bomb of zeros": _zip,
    "a pickle that acts": pickled(Touches()),
    "acts within torch's own format": lambda here: torch.save({"state_dict": Touches()}, here / BEST),
    "an array of numpy": lambda here: np.save(here / "x.npy", np.zeros(3)) or (here / "x.npy").rename(here / BEST),
    "a list": in_checkpoint(lambda c: [1, 2]),
    "a tensor": lambda here: torch.save(torch.zeros(3), here / BEST),
    "a state alone": in_checkpoint(lambda c: {"state_dict": c["state_dict"]}),
    "no settings": in_checkpoint(lambda c: c.pop("hyper_parameters") and None),
    "settings are None": in_checkpoint(lambda c: c.update(hyper_parameters=None)),
    "settings are a list": in_checkpoint(lambda c: c.update(hyper_parameters=[1])),
    "settings are empty": in_checkpoint(lambda c: c.update(hyper_parameters={})),
    "settings of other names": _setting(extra=1),
    "no representation": _setting(representation=None),
    "representation is a word": _setting(representation="attenuation"),
    "model is None": _setting(model=None),
    "model is a list": _setting(model=[1]),
    "cut is a word": _setting(cut="released"),
    "cut of unknown crops": _setting(cut={"crops": "round"}),
    "size 0": _size(0),
    "size -4": _size(-4),
    "size None": _size(None),
    "size 1.5": _size(1.5),
    "size 20,000": _size(20_000),
    "size 10^30": _size(10**30),
    "size True": _size(True),
    "towers beyond memory": _tower(widths=[50_000, 50_000, 50_000]),
    "towers of other widths": _tower(widths=[4, 4, 8]),
    "towers are words": _tower(widths=["a", "b", "c"]),
    "tower is a function": _tower(_target_="os.system"),
    "tower is a module that acts": _tower(_target_="venv.__main__.X"),
    "tower is of the working folder": _module("evil"),
    "tower is of the working folder, as a package of torch": _module("torchevil"),
    "tower is a path": _tower(_target_="../evil.X"),
    "tower is a number": _tower(_target_=7),
    "weights missing": in_checkpoint(lambda c: c["state_dict"].popitem() and None),
    "weights of another shape": in_checkpoint(
        lambda c: c["state_dict"].update({k: v[:1] for k, v in c["state_dict"].items() if v.ndim > 1})
    ),
    "weights are numbers": in_checkpoint(lambda c: c["state_dict"].update({next(iter(c["state_dict"])): 7})),
    "weights are NaN": _weights(float("nan")),
    "weights are infinite": _weights(float("inf")),
    "threshold NaN": _number("threshold", float("nan")),
    "threshold 7": _number("threshold", 7.0),
    "threshold -1": _number("threshold", -1.0),
    "threshold of two": _number("threshold", [0.5, 0.5]),
    "temperature NaN": _number("temperature", float("nan")),
    "temperature 0": _number("temperature", 0.0),
    "temperature -1": _number("temperature", -1.0),
    "temperature infinite": _number("temperature", float("inf")),
    "epoch is a word": in_checkpoint(lambda c: c.update(epoch="x")),
    "epoch None": in_checkpoint(lambda c: c.update(epoch=None)),
    "data settings None": in_checkpoint(lambda c: c.update(datamodule_hyper_parameters=None)),
    "data settings of other names": in_checkpoint(lambda c: c["datamodule_hyper_parameters"].update(extra=1)),
    "data settings ill-typed": in_checkpoint(lambda c: c["datamodule_hyper_parameters"].update(batch_size="x")),
    "batches of no pair": in_checkpoint(lambda c: c["datamodule_hyper_parameters"].update(batch_size=0)),
    "a FIFO": lambda here: (here / BEST).unlink() or os.mkfifo(here / BEST),
    "links in a circle": lambda here: (here / BEST).unlink() or (here / BEST).symlink_to("best.ckpt"),
    "missing": lambda here: (here / BEST).unlink(),
}


def _untouched(here: Path, _: End) -> None:
    assert not (here / "touched").exists(), "code of the checkpoint ran"


KINDS = [
    *(
        Kind(f"checkpoint: {name}", EVALUATE, change, says=r"\brun\b", holds=_untouched)
        for name, change in _STRANGERS.items()
    ),
    Kind("checkpoint: a stranger's to sort", "sort ckpt=run low=raw/a_low.tiff high=raw/a_high.tiff out=s",
         _weights(float("nan")), r"best\.ckpt"),
    Kind("checkpoint: a stranger's to explain", "explain ckpt=run out=x", _size(10**30), r"best\.ckpt"),
]  # fmt: skip
