"""Cross-validation over scans: folds that are each tested once, and what trains and validates beside each."""

import pandas as pd

from oresort.data.draw import drawn_sides
from oresort.data.leaks import one_name
from oresort.data.settings import PairsConfig
from oresort.data.splits import SHARES, check_classes
from oresort.errors import InputError
from oresort.files.layout import CLASSES, SPLITS


def check_folds(data: PairsConfig) -> None:
    """Refuse keys of `data` that contradict each other.

    Raises:
        InputError: a fold of no folds, folds of which none is named, or another key that chooses who is tested.
    """
    folds, fold = data.folds, data.fold
    if folds is None:
        if fold is not None:
            raise InputError(f"data.fold={fold}: of how many? say data.folds=5, or leave it out")
        return
    if fold is None:
        every = ",".join(map(str, range(folds)))
        raise InputError(f"data.folds={folds}: which is tested? say data.fold=0, or -m data.fold={every} for all")
    if fold >= folds:
        raise InputError(f"data.fold={fold}: there are {folds}, counted from 0; give one from 0 to {folds - 1}")
    if data.split != "given":
        raise InputError(f"data.split={data.split}: folds stand in place of a split; leave one of both out")
    if data.labelled is not None:
        raise InputError("data.labelled: folds are of all pairs; set data.limit, or leave data.folds out")


def draw_folds(frame: pd.DataFrame, folds: int, seed: int, classes: bool = True) -> pd.DataFrame:
    """Return the manifest with the number of each pair's fold as its `split`, by whole scans and alike in classes.

    The same for every fold that is tested. With `classes` each fold holds both, and of two folds each in two scans:
    when one is tested, what is left is parted into train and val.

    Raises:
        InputError: more folds than scans, or with `classes` too few scans that hold a class.
    """
    scans = one_name(frame["scan"])
    if folds > (known := scans.nunique()):
        raise InputError(f"data.folds={folds}: more than the {known:,} scans, each of which is in one; give fewer")
    held = {name: scans[frame["label"] == label].nunique() for label, name in enumerate(CLASSES if classes else ())}
    least = 2 if folds == 2 else 1  # with so many scans a class, `drawn_sides` gives each fold as many
    for name, count in held.items():
        if count < folds:
            raise InputError(f"data.folds={folds}: only {count} scans hold {name}, and each fold tests one; give fewer")
        if count < folds * least:
            mend = "give data.folds=3" if min(held.values()) >= 3 else "label more scans"
            raise InputError(
                f"data.folds={folds}: only {count} scans hold {name}, and each of two folds needs {least}, to train "
                f"and to validate when the other is tested; {mend}"
            )
    return frame.assign(split=drawn_sides(frame, [1 / folds] * folds, seed, least).astype(str))


def sides_of(frame: pd.DataFrame, folds: int, fold: int, seed: int, classes: bool = True) -> pd.DataFrame:
    """Return the manifest of `draw_folds` with train, val and test as its `split`, if `fold` is tested.

    Of what is left whole scans validate, in proportion to train as in a drawn split.

    Raises:
        InputError: a side without a pair, or with `classes` without a class.
    """
    test = frame["split"] == str(fold)
    train, val = SHARES[0] / (SHARES[0] + SHARES[1]), SHARES[1] / (SHARES[0] + SHARES[1])
    drawn = drawn_sides(frame[~test], (train, val), [seed, fold])
    sides = frame["split"].where(~test, "test")
    sides[~test] = [SPLITS[side] for side in drawn]
    frame = frame.assign(split=sides).reset_index(drop=True)
    check_classes(frame, f"data.folds={folds} data.fold={fold}", CLASSES if classes else ())
    return frame
