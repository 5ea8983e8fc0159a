"""Mines, models, and what a model says of a mine."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from oresort.errors import InputError
from oresort.learn.evaluation import evaluate_checkpoint
from oresort.learn.lot import lot_of
from oresort.learn.run import finished
from oresort.sorting.lot import Lot
from oresort.sorting.resample import Vector
from studies.command import oresort
from studies.value.settings import BY_ASSAY, MINES, Options


class Answered(NamedTuple):
    """Pairs as a model answered them."""

    lot: Lot  # its `scan` is the lot of the mine, of some scans: these are what differ, and what is drawn
    threshold: float  # that was chosen in training
    others: dict[str, Vector]  # `density` and `r` of each (N,); {} if not looked at


def simulated(options: Options, kind: str, association: float, seed: int) -> Path:
    """Return the folder of a mine's pairs, made if it is not there."""
    root = options.work / "data" / f"{kind}_{association:g}_s{seed}_n{options.pairs}"
    if not root.is_dir():
        words = (f"association={association}", f"pairs={options.pairs}", f"seed={seed}", *MINES[kind])
        oresort("simulate", f"out={root}", *words)
    return root


def trained(options: Options, root: Path, seed: int, labels: str = BY_ASSAY) -> Path:
    """Return the folder of a model of a mine's pairs, trained if it is not there."""
    run = options.work / "runs" / f"{labels}_{root.name}_c{options.cutoff:g}_e{options.epochs}"
    if not finished(run):
        words = ["recipe=lite", f"recipe.epochs={options.epochs}", f"seed={seed}", "trainer.enable_progress_bar=false"]
        words += [f"cutoff={options.cutoff:g}"] if labels == BY_ASSAY else []
        oresort("train", *words, f"data.root={root}", f"data.cache={options.work / 'cache'}", f"out={run}")
    return run


def answered(options: Options, run: Path, root: Path, splits: tuple[str, ...], look: bool = False) -> Answered:
    """Return a model's answers to some splits of a mine; `look` also at simpler figures of the particles."""
    parts = [
        evaluate_checkpoint(run, root, split, device="cpu", cache=options.work / "cache") for split in splits
    ]  # fmt: skip
    rows = pd.concat([part.pairs for part in parts], ignore_index=True)
    p_ore = np.concatenate([part.predictions["p_ore"].to_numpy(np.float32) for part in parts])
    lot, others = lot_of(rows, root, p_ore, look=look)
    if lot.grade is None:
        raise InputError(f"{root}: {lot.why_no_grade}; simulate it again")
    return Answered(replace(lot, scan=rows["batch"].to_numpy().astype(str)), parts[0].threshold, others)
