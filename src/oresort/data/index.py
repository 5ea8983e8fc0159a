"""The pairs of a dataset with their splits; no image is read."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.data.folds import check_folds, draw_folds, sides_of
from oresort.data.leaks import one_name, report
from oresort.data.settings import PairsConfig
from oresort.data.splits import assign_splits, grouped_split
from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.layout import MANIFEST, REQUIRED, UNLABELLED
from oresort.files.manifest import load_manifest
from oresort.files.reading import present, read_table
from oresort.sorting.lot import RICHEST


def index_pairs(data: PairsConfig) -> pd.DataFrame:
    """Return the manifest as `load_manifest` does, every row with its split, limited where asked for.

    Raises:
        InputError: no root, or what the manifest, the split or the limit has wrong.
    """
    if not data.root:
        raise InputError("data.root: empty; name the dataset's folder as data.root=DIR")
    check_folds(data)
    root, seed = Path(data.root), data.split_seed
    frame = load_manifest(root, follow_links=data.follow_links)
    if data.folds is None:
        frame = assign_splits(frame, root, split=data.split, seed=seed, strict=data.strict)
    else:
        frame = draw_folds(frame, data.folds, seed)
    if data.limit is not None:  # of folds before it is known which is tested, so that all of them know the same pairs
        frame = limit_pairs(frame, data.limit, seed)
    if data.folds is not None and data.fold is not None:
        frame = sides_of(frame, data.folds, data.fold, seed)
    if data.labelled is not None:
        test = frame["split"] == "test"
        few = limit_pairs(frame[~test], data.labelled, seed)
        frame = frame[test | frame["id"].isin(few["id"])].reset_index(drop=True)
    # last, so that pairs and sides are the same for every cut-off
    return frame if data.cutoff is None else by_grade(frame, data.cutoff, data.root, data.strict)


def by_grade(frame: pd.DataFrame, cutoff: float, root: str, strict: bool = False) -> pd.DataFrame:
    """Return the rows whose grade is known, labelled by it: ore is what has at least `cutoff` wt %.

    Rows without a grade are left out, and their number is warned of.

    Raises:
        InputError: no grade at all, grades of another unit, or with `strict` a row without one.
    """
    known = frame["grade"].notna()
    if not known.any():
        raise InputError(
            f"{root}: no grade in its manifest, which a cut-off asks for; add the column, or leave cutoff out"
        )
    if (median := float(frame["grade"].median())) > RICHEST:
        raise InputError(
            f"{root}: a median grade of {median:.4g} wt %; is it in ppm, of which 10,000 are 1 wt %? divide"
        )
    if missing := int((~known).sum()):
        report(f"{root}: {missing:,} of {len(frame):,} pairs have no grade and are left out", strict)
    frame = frame[known].reset_index(drop=True)
    return frame.assign(label=(frame["grade"] >= cutoff).astype(np.int64))


def index_unlabelled(data: PairsConfig) -> pd.DataFrame:
    """Return the pairs of `manifest.csv` and `unlabelled.csv` as `index_pairs` does, all with the label -1.

    Pairs of the manifest stand on the sides on which they do with labels, and so do unlabelled ones of their scans;
    other scans without labels train. Without a manifest a split is drawn by scan.

    Raises:
        InputError: no pairs at all, or what one of the files, the split or the limit has wrong.
    """
    if not data.root:
        raise InputError("data.root: empty; name the dataset's folder as data.root=DIR")
    check_folds(data)
    root, links, seed = Path(data.root), data.follow_links, data.split_seed
    found, empty = root / UNLABELLED, present(root / MANIFEST) and read_table(root / MANIFEST, REQUIRED).empty
    rest = load_manifest(root, follow_links=links, file=found) if present(found) else None
    if rest is not None and empty:
        frame, rest = rest.assign(label=0, split=""), None
    else:
        frame, empty = load_manifest(root, follow_links=links), False
    if data.folds is not None and data.fold is not None:
        frame = sides_of(draw_folds(frame, data.folds, seed, classes=False), data.folds, data.fold, seed, classes=False)
    elif empty:
        frame = frame.assign(split=grouped_split(frame, seed))
    else:
        frame = assign_splits(frame, root, split=data.split, seed=seed, strict=data.strict, classes=False)
    if rest is not None:
        names = one_name(pd.concat([frame["scan"], rest["scan"]], ignore_index=True))
        side = dict(zip(names[: len(frame)], frame["split"], strict=True))
        own = zip(names[len(frame) :], rest["split"], strict=True)
        rest = rest.assign(split=[side.get(name, split or "train") for name, split in own])
        frame = pd.concat([frame, rest], ignore_index=True)
    if data.cutoff is not None:
        raise InputError("data.cutoff: says nothing of pairs without labels; leave it out")
    if data.labelled is not None:
        raise InputError("data.labelled: says nothing of pairs without labels; leave it out, or set data.limit")
    frame = frame.assign(label=np.int64(-1))
    return frame if data.limit is None else limit_pairs(frame, data.limit, seed)


_IDENTITY = ["id", "label", "scan", "air", "background", "grade", "mass"]


def fingerprint(frame: pd.DataFrame, cut: Cutting | None, images: NDArray[np.uint64], *, sides: bool = True) -> str:
    """Return hashes of what pairs are said to be and of their pixels, as `index-pixels`.

    The first is of all that the index says of them that a result depends on, with `sides` in which split they are, and
    of how they were cut; the second of their `images`, (N, 2), see `pixel_hashes`.
    """
    text = frame[[*_IDENTITY, *(["split"] if sides else [])]].to_csv() + repr(cut)
    parts = text.encode(), np.ascontiguousarray(images, "<u8").data
    return "-".join(hashlib.blake2b(part, digest_size=8).hexdigest() for part in parts)


def otherwise(there: str, here: str) -> str:
    """Return in words in what pairs of one `fingerprint` are not those of another."""
    ours, theirs = here.split("-"), there.split("-")
    if len(theirs) < 2:
        return "hashes of an earlier version, which knew pairs by names alone"
    if ours[0] == theirs[0]:
        return "other images under the same names"
    if ours[1:] == theirs[1:]:
        return "the same images, of other classes, sides, air, grades or masses"
    return "other pairs"


def limit_pairs(frame: pd.DataFrame, limit: int, seed: int) -> pd.DataFrame:
    """Return at most `limit` pairs of a manifest with splits, in whole scans, for trials on a small machine.

    Scans are drawn by `seed` within each split and class (a scan of both classes counts by its larger one), so that the
    shares of splits and classes stay as they were. Each of these has at least one scan, even if that is more than its
    share. InputError for a limit below 1.
    """
    if limit < 1:
        raise InputError(f"data.limit={limit}: give at least 1, or null for all pairs")
    share = limit / len(frame)
    if share >= 1:
        return frame
    scans = frame.groupby(["split", "scan"], sort=True)["label"].agg(["size", "mean"]).reset_index()
    scans["ore"] = scans["mean"] >= 0.5
    order = np.random.default_rng(seed).permutation(len(scans))
    kept: set[tuple[str, str]] = set()
    for _, group in scans.iloc[order].groupby(["split", "ore"], sort=True):  # groups keep the drawn order
        within = group["size"].cumsum() <= share * group["size"].sum()
        within.iloc[0] = True
        kept.update(zip(group.loc[within, "split"], group.loc[within, "scan"], strict=True))
    return frame[[key in kept for key in zip(frame["split"], frame["scan"], strict=True)]].reset_index(drop=True)
