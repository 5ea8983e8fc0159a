"""The folder layout in which the paper's data were released, and the names in it."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from oresort.errors import InputError

if TYPE_CHECKING:
    import pandas as pd  # takes longer to import than all else that sorting needs

MANIFEST = "manifest.csv"

UNLABELLED = "unlabelled.csv"
"""Beside a manifest: pairs like its own whose class is not known."""

SPLIT_FILE = "train_val_test.json"
"""Ids of the pairs on each side, as the paper's data were released with."""

CLASSES = ("waste", "ore")
"""Class names by label: ore is 1, the positive class."""

SPLITS = ("train", "val", "test")

REQUIRED = ("id", "low", "high", "label", "scan")
"""Columns that a manifest must have."""

MANIFEST_COLUMNS = (*REQUIRED, "batch", "x", "y", "w", "h", "split", "grade", "mass", "air", "background")
"""Columns that manifests written here begin with."""

IMAGES = (".tiff", ".tif", ".png")
"""Suffixes of images, in the order in which they are looked for."""

_PARTICLE = re.compile(r"(?P<scan>.+)-x(?P<x>\d+)-y(?P<y>\d+)-w(?P<w>\d+)-h(?P<h>\d+)")


def find_image(folder: Path, stem: str, mend: str) -> Path:
    """Return a folder's image of a name without suffix; InputError with the mend if it is not there."""
    for file in (folder / f"{stem}{suffix}" for suffix in IMAGES):
        if file.is_file():
            return file
    raise InputError(f"{folder}: no {stem} image ({stem}.tiff, .tif or .png); {mend}")


def pair_row(label: str, batch: object, scan: object, box: tuple[int, int, int, int]) -> dict[str, object]:
    """Return a manifest's row of a pair by class (may be empty), batch, scan and box (x, y, w, h) in pixels.

    Its id is the pair's folder, `<label>_<batch>/<scan>-x<X>-y<Y>-w<W>-h<H>`, as `index_released` reads it.
    """
    x, y, w, h = box
    name = f"{label or 'unlabelled'}_{batch}/{scan}-x{x}-y{y}-w{w}-h{h}"
    files = {layer: f"{name}/{layer}{IMAGES[0]}" for layer in ("low", "high")}
    return {"id": name, **files, "label": label, "scan": scan, "batch": batch, "x": x, "y": y, "w": w, "h": h}


def index_released(root: Path) -> "pd.DataFrame":
    """Index `<class>_<batch>/<scan>-x<X>-y<Y>-w<W>-h<H>/{low,high}.tiff` below `root`, all columns as text.

    The class comes from the folder's name, scan and box from the particle's. Particles of one scan number count as one
    scan in whatever class folder they lie, so that no split can part them. InputError for a particle folder without one
    of its two images, or whose name is not of this form, and for a link that leads nowhere.
    """
    rows = []
    for folder in _folders(root):
        label, _, batch = folder.name.partition("_")
        for particle in _folders(folder):
            match = _PARTICLE.fullmatch(particle.name)
            if match is None:
                raise InputError(
                    f"{particle}: the folder's name is not <scan>-x<X>-y<Y>-w<W>-h<H>; rename it, "
                    "or if it holds no pair move it out of the dataset or let its name begin with a dot"
                )
            files = {layer: find_image(particle, layer, "add it or remove the folder") for layer in ("low", "high")}
            row = {"id": f"{folder.name}/{particle.name}", "label": label, "batch": batch, **match.groupdict()}
            rows.append(row | {layer: file.relative_to(root).as_posix() for layer, file in files.items()})
    import pandas as pd

    return pd.DataFrame(rows, dtype=str)


def _folders(root: Path) -> list[Path]:
    """Return what folders another holds, links to folders among them; a link that leads nowhere is refused."""
    try:
        inside = sorted(path for path in root.iterdir() if not path.name.startswith("."))
        for path in inside:
            if path.is_symlink() and not path.exists():
                raise InputError(f"{path}: a symbolic link that leads nowhere; mend it or remove it")
        return [path for path in inside if path.is_dir()]
    except OSError as error:
        raise InputError(f"{error.filename or root}: {error.strerror}; name the dataset's own folder") from error


def write_index(root: Path, manifest: "pd.DataFrame") -> None:
    """Write `manifest.csv`, and `train_val_test.json` if the pairs have their splits."""
    manifest.to_csv(root / MANIFEST, index=False)
    if len(manifest) and (manifest["split"] != "").all():
        sides = {side: manifest.loc[manifest["split"] == side, "id"].tolist() for side in SPLITS}
        (root / SPLIT_FILE).write_text(json.dumps(sides, indent=1) + "\n", encoding="utf-8")
