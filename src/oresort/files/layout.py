"""The folder layout in which the paper's data were released, and the names in it."""

import re
from pathlib import Path

import pandas as pd

from oresort.errors import InputError

MANIFEST = "manifest.csv"


CLASSES = ("waste", "ore")
"""Class names by label: ore is 1, the positive class."""


SPLITS = ("train", "val", "test")


REQUIRED = ("id", "low", "high", "label", "scan")


IMAGES = (".tiff", ".tif", ".png")
_PARTICLE = re.compile(r"(?P<scan>.+)-x(?P<x>\d+)-y(?P<y>\d+)-w(?P<w>\d+)-h(?P<h>\d+)")


def index_released(root: Path) -> pd.DataFrame:
    """Index `<class>_<batch>/<scan>-x<X>-y<Y>-w<W>-h<H>/{low,high}.tiff` below `root`, all columns as text.

    The class comes from the folder's name, scan and box from the particle's. Particles of one scan number
    count as one scan in whatever class folder they lie, so that no split can part them.

    Raises:
        InputError: A particle folder without one of its two images, or whose name is not of this form.
    """
    rows = []
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        label, _, batch = folder.name.partition("_")
        for particle in sorted(p for p in folder.iterdir() if p.is_dir()):
            match = _PARTICLE.fullmatch(particle.name)
            if match is None:
                raise InputError(
                    f"{particle}: the folder's name is not <scan>-x<X>-y<Y>-w<W>-h<H>; rename it"
                )
            pair = {"id": f"{folder.name}/{particle.name}", "label": label, "batch": batch}
            pair |= {layer: _image(particle, layer).relative_to(root).as_posix() for layer in ("low", "high")}
            rows.append(pair | match.groupdict())
    return pd.DataFrame(rows, dtype=str)


def _image(particle: Path, layer: str) -> Path:
    for suffix in IMAGES:
        file = particle / f"{layer}{suffix}"
        if file.is_file():
            return file
    raise InputError(
        f"{particle}: no {layer} image ({layer}.tiff, .tif or .png); add it or remove the folder"
    )
