"""Small datasets with a known answer: ellipses whose dual-energy ratio tells the class."""

import json
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from oresort.files.layout import SPLITS

AIR = 52_350.0

SMALL = (
    "model.tower.widths=[4,8,8]",
    "model.tower.squeeze=2",
    "model.head.widths=[4]",
    "representation.size=16",
    "trainer.max_epochs=1",
    "trainer.enable_progress_bar=false",
)
"""The real model, narrow enough to train in a second."""


def particle(rng: np.random.Generator, ore: bool) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """One pair (H, W) on zero: the thickness of an ellipsoid, l/h = 1.8 for ore and 1.4 for waste."""
    height, width = rng.integers(30, 70, 2)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    thick = np.sqrt(np.clip(1 - y**2 - x**2, 0, None))
    h = thick * rng.uniform(0.7, 1.2)
    layers = []
    for attenuation in (h * (1.8 if ore else 1.4), h):
        counts = AIR * np.exp(-attenuation) * (1 + 0.02 * rng.standard_normal(h.shape))
        layers.append(np.where(thick > 0, np.clip(counts, 1, 65_534), 0).astype(np.uint16))
    return layers[0], layers[1]


def write_released(root: Path, count: int = 48, scans: int = 12, seed: int = 0, suffix: str = ".tiff") -> Path:
    """A dataset in the released layout: `count` pairs of `scans` scans, each scan of one class."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        scan = i % scans
        ore = scan % 3 != 0
        low, high = particle(rng, ore)
        height, width = low.shape
        name = f"{'ore' if ore else 'waste'}_{100 + scan % 3}/{scan}-x{10 * i}-y{i}-w{width}-h{height}"
        folder = root / name
        folder.mkdir(parents=True)
        for layer, image in (("low", low), ("high", high)):
            write_image(folder / f"{layer}{suffix}", image)
    return root


def write_image(file: Path, image: NDArray[np.generic]) -> None:
    """Write an image by the suffix of its name, TIFF as released."""
    if file.suffix == ".png":
        from PIL import Image

        Image.fromarray(image).save(file)
    else:
        tifffile.imwrite(file, image, compression="lzw", predictor=2)


def write_manifest(root: Path, **changes: str) -> Path:
    """Index a released dataset by a manifest; `changes` set columns of its first row."""
    from oresort.files.layout import index_released

    frame = index_released(root).assign(air=f"{AIR:g}")
    for column, value in changes.items():
        if column not in frame:
            frame[column] = ""
        frame.loc[0, column] = value
    frame.to_csv(root / "manifest.csv", index=False)
    return root


def write_splits(root: Path, sides: dict[str, list[str]]) -> None:
    """Write the released split file."""
    (root / "train_val_test.json").write_text(json.dumps({side: sides.get(side, []) for side in SPLITS}))
