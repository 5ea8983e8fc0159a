"""What a page says of one model on one split of a dataset."""

import difflib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oresort.console.show import leakage
from oresort.errors import InputError, one_line
from oresort.files.dataset import made_by
from oresort.files.provenance import provenance
from oresort.files.write import replacing
from oresort.learn.record import RECORD, read_row
from oresort.sorting import METRICS
from oresort.sorting.account import Account
from oresort.sorting.resample import FEWEST, LEVEL
from oresort.tables.bootstrap import COMPARABLE
from oresort.tables.figure import KINDS, write_figure
from oresort.tables.page.breakdown import breakdown
from oresort.tables.page.cases import cases
from oresort.tables.page.charts import evaluation_drawings
from oresort.tables.page.curves import confusion, curves, histogram, reliability
from oresort.tables.page.decided import decision_document, decision_pictures, figure_rows, gathered, money_rows
from oresort.tables.page.drawing import lines
from oresort.tables.page.intervals import RESAMPLES, figures
from oresort.tables.page.looked import look_pictures, read_look
from oresort.tables.page.words import methods
from oresort.tables.page.write import HTML, JSON, write_page

if TYPE_CHECKING:
    from oresort.learn.evaluation import Evaluation  # needs torch

_RUN = (
    "name",
    "seed",
    "epochs",
    "epoch",
    "monitor",
    "monitor_value",
    "goes_on",
    "fit_seconds",
    "device",
    "data",
    "pairs/train",
    "pairs/val",
)


def evaluation_document(
    pairs: pd.DataFrame,
    metrics: Mapping[str, float],
    threshold: float,
    model: Mapping[str, Any],
    root: str | Path,
    split: str,
    resamples: int = RESAMPLES,
    look: Mapping[str, Any] | None = None,
    sorting: Mapping[str, Any] | None = None,
    by: Sequence[str] = (),
) -> dict[str, Any]:
    """Return all that the page of an evaluation says, in plain values; what is not known is None, or `left_out`.

    Args:
        pairs: rows of the manifest with `label (ore|waste)` and `p_ore`, see `breakdown`.
        metrics: of the split, by the names of `METRICS`.
        threshold: in force.
        model: of which file, see `oresort.learn.evaluation.describe`, and `pairs`, the hash of the dataset.
        root: of the dataset.
        split: train, val or test.
        resamples: of scans, for intervals; 0: none.
        look: what explain has found, see `read_look`; None: nothing is known of it.
        sorting: what a plant gets, see `decision_document`; None: that is not told.
        by: further columns of `pairs` that figures are broken down by.
    """
    tables, left_out = breakdown(pairs, threshold, resamples, by)
    own = figures(pairs, threshold, COMPARABLE, resamples)
    own |= {name: float(metrics[name]) for name in METRICS}  # as they are printed and recorded
    scans = int(pairs["scan"].nunique())
    if scans < FEWEST:
        left_out.append({"what": "intervals", "why": f"{scans} scans; below {FEWEST} they would be far too narrow"})
    left_out.append({"what": "interval of ece", "why": "resampling itself makes it larger"})
    single = "file" in model  # else a mean over models, of which there is no page
    run, why = _run(Path(str(model["file"]))) if single else (None, "several models were asked")
    if run is None:
        left_out.append({"what": "training", "why": why})
    if look is None:
        left_out.append({"what": "maps and galleries", "why": "make them by oresort.explain, and say explained=DIR"})
    if sorting is not None:
        left_out += gathered(sorting["left_out"])
    ore = (pairs["label"] == "ore").to_numpy()
    document = {
        "kind": "evaluation",
        "model": dict(model),
        "run": run,
        "data": {
            **{"root": str(root), "split": split, "hash": model["pairs"], "made_by": made_by(Path(root))},
            **{"pairs": len(pairs), "ore": int(ore.sum()), "waste": int((~ore).sum()), "scans": scans},
        },
        "threshold": threshold,
        "figures": own,
        "interval": {"level": LEVEL, "resamples": resamples, "over": "scans", "fewest": FEWEST},
        "confusion": confusion(pairs, threshold),
        "curves": curves(pairs),
        "reliability": reliability(pairs),
        "histogram": histogram(pairs["p_ore"].to_numpy(np.float64), {"ore": ore, "waste": ~ore}),
        "breakdown": tables,
        "cases": cases(pairs, threshold),
        "look": look,
        "sorting": sorting,
        "notes": [note] if (note := leakage(model.get("leaking_scans"), model.get("leaking_images"))) else [],
        "left_out": left_out,
        "provenance": provenance(),
    }
    return document | {"methods": methods(document) if single else ""}


def described(
    found: "Evaluation",
    root: str | Path,
    split: str,
    resamples: int = RESAMPLES,
    explained: str | Path | None = None,
    told: Account | None = None,
    by: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the document of an evaluation, see `evaluation_document`.

    `explained` is the folder that `explain` wrote of the same model and pairs; InputError for any other. `told` is what
    a plant gets of the decisions. InputError also if `by` names no column of the manifest.
    """
    for name in by:
        if name not in found.pairs:
            known = sorted(str(column) for column in found.pairs)
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            raise InputError(f"by: {name}: no such column of the manifest; known are {', '.join(near or known)}")
    look = None if explained is None else read_look(Path(explained), found.model, split)
    sorting = None if told is None else decision_document(told)
    pairs = found.pairs.assign(label=found.predictions["label"], p_ore=found.predictions["p_ore"])
    document = evaluation_document(
        pairs, found.metrics, found.threshold, found.model, root, split, resamples, look, sorting, by
    )
    document["notes"] += found.told  # whether ore is what a grade makes it
    return document


def write_evaluation(out: Path, document: Mapping[str, Any], kinds: Sequence[str], page: bool = True) -> Path | None:
    """Write `breakdown.csv`, the figures as files of `kinds`, and the page if asked for, into `out`; return its file.

    What another evaluation left of these is removed. A plant's picture of money on the page is the one in `out`.
    """
    rows = [{"by": part["by"], **row} for part in document["breakdown"] for row in part["rows"]]
    with replacing(out / "breakdown.csv") as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)
    drawings = evaluation_drawings(document)
    others = {file.stem for file in out.glob("by_*") if file.suffix[1:] in KINDS} | {"roc", "precision_recall"}
    for name in others - drawings.keys():
        for kind in KINDS:
            (out / f"{name}.{kind}").unlink(missing_ok=True)
    for name, draw in drawings.items():
        write_figure(draw, out, name, kinds)
    if not page:
        for name in (HTML, JSON):
            (out / name).unlink(missing_ok=True)
        return None
    return write_page(out, "evaluation", document, partial(_drawn, out=out))[1]


def _drawn(page: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Return pictures, and rows of tables that are worded for the page."""
    drawings = evaluation_drawings(page)
    found: dict[str, Any] = {name: lines(draw) for name, draw in drawings.items() if name != "confusion"}  # a table
    if page["look"]:
        found["look"] = look_pictures(page["look"])
    if sorting := page["sorting"]:
        found |= {"figure_rows": figure_rows(sorting["figures"], sorting["prices"]), "money_rows": money_rows(sorting)}
        found["decision"] = decision_pictures(sorting, out)
    return found


def _run(ckpt: Path) -> tuple[dict[str, Any] | None, str]:
    """Return what the record of a checkpoint's own run says, or None and why."""
    file = (ckpt if ckpt.is_dir() else ckpt.parent.parent) / RECORD
    if not file.is_file():
        return None, f"the checkpoint lies in no run's folder ({RECORD} is not beside it)"
    try:
        row = read_row(file)
    except InputError as error:
        return None, one_line(error)
    return {name: row.get(name) for name in _RUN} | {"recipe": row.get("config.recipe.name")}, ""
