"""The keys of `data` in a configuration, and their only defaults."""

from dataclasses import dataclass


@dataclass
class PairsConfig:
    """Which pairs there are, and on which side of the split each stands.

    Args:
        root: folder with `manifest.csv` or the released layout.
        split: `given` or `seeded`, see `assign_splits`.
        split_seed: of a drawn split, apart from the training seed.
        strict: leakage and unnamed pairs are errors, not warnings.
        limit: at most so many pairs, see `limit_pairs`; None means all.
    """

    root: str = ""
    split: str = "given"
    split_seed: int = 0
    strict: bool = False
    limit: int | None = None


@dataclass
class DataConfig(PairsConfig):
    """How the pairs are served.

    Args:
        batch_size: pairs a batch.
        workers: loader processes; 0 serves from the training process, enough on a CPU.
        cache: folder of prepared pairs; None means `.cache` in the root.
        resident: keep training and validation pairs on the trainer's device, and augment them there.
    """

    batch_size: int = 64
    workers: int = 0
    cache: str | None = None
    resident: bool = False
