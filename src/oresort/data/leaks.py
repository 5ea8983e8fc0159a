"""Leakage: what stands on two sides of a split, by the name of its scan or pixel for pixel."""

import hashlib
import re
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.errors import InputError


class DatasetWarning(UserWarning):
    """Something about a dataset is doubtful, such as a scan on two sides: figures measured on it may be wrong."""


def one_name(scans: "pd.Series[str]") -> "pd.Series[str]":
    """Return scans' names, those that differ in case, spaces or leading zeros only as one of them."""
    first: dict[str, str] = {}
    for name in sorted(scans.unique()):
        first.setdefault(_plain(name), name)
    return scans.map({name: first[_plain(name)] for name in scans.unique()})


def leaking_scans(frame: pd.DataFrame) -> list[str]:
    """Return the scans of a manifest that stand on several sides, by `one_name`, sorted."""
    sides = frame.groupby(one_name(frame["scan"]))["split"].nunique()
    return sorted(sides.index[sides > 1])


def pixel_hashes(low: NDArray[np.uint16], high: NDArray[np.uint16]) -> tuple[int, int]:
    """Return a hash of each layer's size and pixels, of 64 bits: a chance of 1 in 10^10 among 50,000 images."""
    hashes = []
    for image in (low, high):
        digest = hashlib.blake2b(repr(image.shape).encode(), digest_size=8)
        digest.update(np.ascontiguousarray(image).data)
        hashes.append(int.from_bytes(digest.digest(), "little"))
    return hashes[0], hashes[1]


def check_images(frame: pd.DataFrame, hashes: NDArray[np.uint64], root: Path, strict: bool) -> int:
    """Return how many images stand on several sides of a split, pixel for pixel, and warn of them once.

    `hashes` are both layers' `pixel_hashes` by rows of the manifest, (N, 2). InputError instead, if `strict`.
    """
    images = pd.DataFrame({"hash": hashes.ravel(), "id": frame["id"].repeat(2), "split": frame["split"].repeat(2)})
    images = images[images["hash"].duplicated(keep=False)]
    copies = images[images.groupby("hash")["split"].transform("nunique") > 1]
    if copies.empty:
        return 0
    count, pairs = copies["hash"].nunique(), copies["id"].nunique()
    same = copies[copies["hash"] == copies["hash"].iloc[0]].drop_duplicates("split").iloc[:2]
    first = " and ".join(f"{row.id} in {row.split}" for row in same.itertuples())
    report(
        f"{root}: leakage: {count:,} images stand on several sides, pixel for pixel (first: {first}), "
        f"{pairs / len(frame):.1%} of the pairs; take the copies out",
        strict,
    )
    return count


def report(text: str, strict: bool) -> None:
    """Warn of what is doubtful about a dataset; InputError if `strict`."""
    if strict:
        raise InputError(text)
    warnings.warn(text, DatasetWarning, stacklevel=3)


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"\d+", lambda digits: digits[0].lstrip("0") or "0", " ".join(text.split()))
