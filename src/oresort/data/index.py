"""The pairs of a dataset with their splits; no image is read."""

import hashlib
from pathlib import Path

import pandas as pd

from oresort.data.limit import limit_pairs
from oresort.data.settings import PairsConfig
from oresort.data.splits import assign_splits
from oresort.errors import InputError
from oresort.files.manifest import load_manifest


def index_pairs(data: PairsConfig) -> pd.DataFrame:
    """Return the manifest as `load_manifest` does, every row with its split, limited where asked for.

    Raises:
        InputError: no root, or what the manifest, the split or the limit has wrong.
    """
    if not data.root:
        raise InputError("data.root: empty; name the dataset's folder as data.root=DIR")
    root = Path(data.root)
    frame = load_manifest(root)
    frame = assign_splits(frame, root, split=data.split, seed=data.split_seed, strict=data.strict)
    return frame if data.limit is None else limit_pairs(frame, data.limit, data.split_seed)


def fingerprint(frame: pd.DataFrame) -> str:
    """Return a hash of which pairs there are, of what class, in which split; images are not read."""
    columns = ["id", "label", "scan", "split"]
    return hashlib.blake2b(frame[columns].to_csv().encode(), digest_size=8).hexdigest()
