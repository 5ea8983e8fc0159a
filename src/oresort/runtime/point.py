"""The threshold that a command moves a model to, without training it anew."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from oresort.errors import InputError
from oresort.runtime.model import Model
from oresort.runtime.settings import SortConfig
from oresort.sorting.operating import Operating, check_used
from oresort.sorting.point import Point, choose_point
from oresort.sorting.prices import load_prices
from oresort.sorting.probability import check_threshold


class Moves(Protocol):
    """Keys of a command by which a model is moved, see `conf/sort.yaml`."""

    ckpt: str
    threshold: str | float | None
    operating: Operating
    band: float | None
    prices: str | None


def operating_point(cfg: Moves, model: Model) -> Point:
    """Return where a model decides: as saved with it, at a number, or at what a rule picks on its validation pairs.

    Raises:
        InputError: a rule, and a model that knows no such pairs, or what `choose_point` and `check_used` refuse.
    """
    check_used(cfg.threshold, cfg.operating)
    point = model.point
    if isinstance(cfg.threshold, str):
        if model.known is None:
            raise InputError(
                f"threshold={cfg.threshold}: {cfg.ckpt} knows no validation pairs to choose it on; give a number, or "
                "train it anew"
            )
        prices = load_prices(Path(cfg.prices)) if cfg.prices else None
        point = replace(choose_point(cfg.threshold, model.known, cfg.operating, prices), band=point.band)
    elif cfg.threshold is not None:
        point = Point(check_threshold(cfg.threshold), band=point.band)
    return point if cfg.band is None else replace(point, band=cfg.band)


def sorting_point(cfg: SortConfig, model: Model) -> Point:
    """Return `operating_point` for a belt, on which policies decide as well.

    Raises:
        InputError: as that, or a band that throws out what is promised to be kept.
    """
    point = operating_point(cfg, model)
    if point.promise and point.band and cfg.unsure == "drop":
        raise InputError(
            f"unsure=drop band={point.band:g}: throws out ore that the threshold promises to keep; say unsure=keep, "
            "or give the threshold as a number"
        )
    return point


def words_of(cfg: SortConfig, point: Point) -> str:
    """Return in one sentence what decides on a belt: the threshold, and policies that its promise knows nothing of."""
    policies = ["faulty", "clipped", "touching", *(["late"] if cfg.deadline is not None else [])]
    dropped = [f"{key}=drop" for key in policies if getattr(cfg, key) == "drop"]
    more = f"; of what {' and '.join(dropped)} throws out nothing is promised" if dropped and point.promise else ""
    return point.words(cfg.unsure) + more
