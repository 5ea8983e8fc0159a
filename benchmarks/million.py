"""What a dataset of a million pairs takes to load, split, prepare and read: `python benchmarks/million.py`.

Names are made and images few: a handful of simulated pairs, hard-linked under all the names, so that the dataset costs
no disk. Their planes are small (`--size`), so that the cache does not either; of 40 pixels a million pairs have 26 GB.
A pair is read and prepared as any other, so the time that building takes is that of a real dataset on a warm disk.
"""

import argparse
import resource
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from timing import begin, report

from oresort.belt import write_pairs
from oresort.console.parallel import cores
from oresort.data.datamodule import OreDataModule
from oresort.data.index import index_pairs
from oresort.data.leaks import DatasetWarning
from oresort.data.settings import PairsConfig
from oresort.files.layout import MANIFEST
from oresort.files.manifest import load_manifest
from oresort.paths import part

_A_SCAN = 40  # pairs


def linked(root: Path, pairs: int, images: int) -> None:
    """Write a manifest of so many pairs below `root`, and links from their names to the images of a few."""
    few = write_pairs(root / "few", images, seed=0)
    rows = few.iloc[np.arange(pairs) % len(few)].reset_index(drop=True)
    scans = np.arange(pairs) // _A_SCAN
    rows["scan"], rows["batch"], rows["split"] = scans + 1, scans // 10, ""
    rows["label"] = np.where(scans % 2, "ore", "waste")
    names = [f"scans/{scan + 1}/{number}" for number, scan in enumerate(scans)]
    sources = rows[["low", "high"]].to_numpy()
    for scan in range(scans[-1] + 1):
        (root / f"scans/{scan + 1}").mkdir(parents=True)
    for name, both in zip(names, sources, strict=True):
        for layer, source in zip(("low", "high"), both, strict=True):
            (root / f"{name}-{layer}.tiff").hardlink_to(root / "few" / source)
    rows["id"] = names
    rows["low"], rows["high"] = ([f"{name}-{layer}.tiff" for name in names] for layer in ("low", "high"))
    rows.to_csv(root / MANIFEST, index=False)


def measured(name: str, job: Callable[[], Any]) -> tuple[dict[str, Any], Any]:
    """Return what a job took, and what it returned."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    wall, own, others = time.perf_counter(), time.process_time(), _of_others()
    result = job()
    row = {
        "step": name,
        "seconds": round(time.perf_counter() - wall, 2),
        "processor seconds": round(time.process_time() - own + _of_others() - others, 2),
        "peak GB": round(_peak(), 2),
    }
    print(row, flush=True)
    return row, result


def _peak() -> float:
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1e6


def _of_others() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(root: Path, size: int, batches: int) -> list[dict[str, Any]]:
    """Return a row for each step on the dataset in `root`."""
    settings = PairsConfig(root=str(root))
    spec = part("representation", "attenuation", size=size)

    def built() -> OreDataModule:
        data = OreDataModule(root, spec)
        data.setup()
        return data

    def read(data: OreDataModule) -> None:
        for number, _ in enumerate(data.loader("train", epoch=0), start=1):
            if number == batches:
                return

    rows = [measured("nothing: what the program itself takes", lambda: None)[0]]
    rows.append(measured("load the manifest", lambda: load_manifest(root))[0])
    rows.append(measured("load and split", lambda: index_pairs(settings))[0])
    row, data = measured("load, split, prepare all pairs", built)
    rows.append(row)
    rows.append(measured("a sweep's next job: has a file changed?", data.pairs.unchanged)[0])
    rows.append(measured(f"{batches} batches of 64, shuffled", lambda: read(data))[0])
    _forget()
    rows.append(measured("another process: load, split, find and check the planes", built)[0])
    return rows


def _forget() -> None:
    """Forget what this process has read."""
    from oresort.data import pairs

    pairs._last = None


def main() -> None:
    """Make the dataset, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--images", type=int, default=400, help="pairs that are simulated and linked (%(default)s)")
    parser.add_argument("--size", type=int, default=8, help="pixels of a side of the planes (%(default)s)")
    parser.add_argument("--batches", type=int, default=200, help="that are read (%(default)s)")
    parser.add_argument("--folder", type=Path, default=None, help="where the dataset is made and removed again")
    parser.add_argument("--out", type=Path, default=None, help="folder for million.csv")
    options = parser.parse_args()
    machine = begin(torch.get_num_threads())
    warnings.simplefilter("ignore", DatasetWarning)  # the same few images stand on all sides
    root = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        linked(root, options.pairs, options.images)
        rows = measure(root, options.size, options.batches)
    finally:
        shutil.rmtree(root)
    table = pd.DataFrame([{"pairs": options.pairs, "size": options.size, "cores": cores(), **row} for row in rows])
    report(table, f"{options.pairs:,} pairs; {machine}", options.out and options.out / "million.csv")


if __name__ == "__main__":
    main()
