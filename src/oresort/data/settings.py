"""The keys of `data` in a configuration, and their only defaults."""

from dataclasses import dataclass
from typing import Annotated

from oresort.console.ranges import SEEDS, number, one_of, whole


@dataclass
class PairsConfig:
    """Which pairs there are, and on which side of the split each stands."""

    root: str = ""  # folder with `manifest.csv` or the released layout
    split: Annotated[str, one_of("given", "seeded")] = "given"  # see `assign_splits`
    split_seed: Annotated[int, whole(0, SEEDS)] = 0  # of a drawn split, apart from the training seed
    folds: Annotated[int | None, whole(2)] = None  # in place of a split: so many, each tested once, see `draw_folds`
    fold: Annotated[int | None, whole(0)] = None  # which of them is tested, counted from 0
    strict: bool = False  # leakage and unnamed pairs are errors, not warnings
    follow_links: bool = False  # symbolic links may lead out of the root
    limit: Annotated[int | None, whole(1)] = None  # at most so many pairs, see `limit_pairs`
    cutoff: Annotated[float | None, number(0, 100, above=True)] = None  # wt %: ore is what reaches it, see `by_grade`
    labelled: Annotated[int | None, whole(1)] = None  # at most so many pairs of train and val; the test stays whole


@dataclass
class DataConfig(PairsConfig):
    """How the pairs are served."""

    batch_size: Annotated[int, whole(1)] = 64
    workers: Annotated[int, whole(0, 1024)] = 0  # loader processes; 0 serves from the training process, enough on a CPU
    cache: str | None = None  # folder of prepared pairs; None means `.cache` in the root
    resident: bool = False  # keep training and validation pairs on the trainer's device, and augment them there
