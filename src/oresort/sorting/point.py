"""The operating point: a threshold, the rule that chose it, and what it promises."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from oresort.console.check import check
from oresort.console.counted import counted
from oresort.errors import InputError
from oresort.sorting.decide import is_ore
from oresort.sorting.lot import Lot
from oresort.sorting.money import best_threshold
from oresort.sorting.operating import RULES, THRESHOLD, Operating
from oresort.sorting.prices import NO_PRICES, Prices
from oresort.sorting.probability import check_threshold
from oresort.sorting.promise import (
    misses_allowed,
    scans_needed,
    threshold_of_particles,
    threshold_of_scans,
)
from oresort.sorting.threshold import choose_threshold

_WITHIN = {"keep": "kept", "drop": "thrown out", "decide": "decided by it"}
_BY = {"given": "as given", "saved": "as saved with the model"}


@dataclass(frozen=True)
class Point:
    """A threshold and where it is from; InputError for values that cannot be."""

    threshold: float
    rule: str = "given"  # one of `RULES`; `given` for a number, `saved` where nobody knows
    chosen_on: Mapping[str, int] = field(default_factory=dict)  # numbers of `pairs`, `ore` and `scans`; {}: of none
    promise: Mapping[str, Any] = field(default_factory=dict)  # `recovery, confidence, of`, and `missed` or `on_scans`
    band: float = 0.0  # nearer to the threshold than this the model is unsure, and particles are kept

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        check_threshold(self.band, "band")
        if self.rule not in (*RULES, *_BY):
            raise InputError(f"point.rule={self.rule!r}: unknown")
        if any(type(count) is not int or count < 0 for count in self.chosen_on.values()):
            raise InputError("point.chosen_on: not counts")
        if self.promise:
            known = {"recovery", "confidence", "of", "missed" if self.promise.get("of") == "particles" else "on_scans"}
            if self.promise.keys() != known:
                raise InputError("point.promise: not one that threshold=recovery gives")
            check(Operating(**{key: self.promise[key] for key in ("recovery", "confidence", "of")}), "point.promise.")
            if any(type(self.promise[key]) is not int for key in known & {"missed", "on_scans"}):
                raise InputError("point.promise: not counts")

    def plain(self) -> dict[str, Any]:
        """Return it in plain values, which `read` takes."""
        return {**asdict(self), "chosen_on": dict(self.chosen_on), "promise": dict(self.promise)}

    @classmethod
    def read(cls, content: object) -> Self:
        """Return what `plain` wrote, whoever wrote the file; InputError for anything else."""
        if not isinstance(content, Mapping) or content.keys() != {key.name for key in fields(cls)}:
            raise InputError("point: not an operating point")
        if not isinstance(content["chosen_on"], Mapping) or not isinstance(content["promise"], Mapping):
            raise InputError("point: not an operating point")
        numbers = content["threshold"], content["band"]
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
            raise InputError("point: a threshold or a band that is not a number")
        threshold, band = map(float, numbers)
        return cls(threshold, content["rule"], dict(content["chosen_on"]), dict(content["promise"]), band)

    def kept(self, p_ore: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which particles (N,) are kept: from the threshold on, or nearer to it than the band."""
        near = np.abs(np.asarray(p_ore, np.float64) - self.threshold) < self.band
        return np.asarray(is_ore(p_ore, self.threshold) | near)

    def words(self, unsure: str = "keep") -> str:
        """Return in one sentence what the threshold is and promises; `unsure` is what is done within the band."""
        on = (
            f", chosen on {counted(self.chosen_on['pairs'], 'pair')} of {counted(self.chosen_on['scans'], 'scan')}"
            if self.chosen_on
            else ""
        )
        by = _BY.get(self.rule, f"by {self.rule}")
        text = f"threshold {self.threshold:.4f} {by}{on}"
        text += f", particles within {self.band:g} of it are {_WITHIN[unsure]}" if self.band else ""
        if not self.promise:
            return text
        known = self.promise
        at_least, sure = f"{100 * known['recovery']:.4g} %", f"{100 * known['confidence']:.4g} % confidence"
        if known["of"] == "particles":
            return (
                f"{text}: at least {at_least} of ore particles are kept, with {sure}, if particles are as those "
                f"{self.chosen_on['ore']:,} were ({known['missed']} missed) and scans are alike"
            )
        return (
            f"{text}: at least {at_least} of a scan's {known['of']} is kept on average over scans, with {sure}, "
            f"if scans are as those {known['on_scans']:,} were"
        )


def check_operating(
    rule: str | float, operating: Operating, ore: int, scans: int, grades: bool, prices: Prices | None
) -> None:
    """Refuse what no model could reach on so many ore particles, and scans with what is promised.

    Raises:
        InputError: an unknown rule, a promise that wants more particles or scans, or a value without grades or prices.
    """
    if not THRESHOLD.allows(rule):
        raise InputError(f"threshold={rule}: {THRESHOLD}")
    if rule == "value" and prices is None:
        raise InputError(f"threshold=value: {NO_PRICES}")
    if (rule == "value" or (rule == "recovery" and operating.of == "metal")) and not grades:
        why = "value" if rule == "value" else "recovery operating.of=metal"
        raise InputError(
            f"threshold={why}: the manifest does not know the grade of all validation pairs; choose another"
        )
    if rule != "recovery":
        return
    promise = operating.recovery, operating.confidence
    if operating.of == "particles" and misses_allowed(ore, *promise) < 0:
        threshold_of_particles(np.ones(ore, np.float32), *promise)  # says why
    if operating.of != "particles" and scans < (needed := scans_needed(np.zeros(1), *promise)):
        raise InputError(
            f"operating.recovery={operating.recovery:g}: {scans} scans with ore are too few to promise that of "
            f"{operating.of} with a confidence of {operating.confidence:g}; {needed} would do if none lost any; "
            "or say operating.of=particles"
        )


def choose_point(rule: str | float, lot: Lot, operating: Operating, prices: Prices | None = None) -> Point:
    """Return the operating point that a rule or number picks on labelled particles that no training has seen.

    Raises:
        InputError: as `check_operating`, or a promise that these answers cannot keep.
    """
    promise = operating.recovery, operating.confidence
    ore = lot.ore if operating.of != "metal" or lot.grade is None else lot.mass * lot.grade > 0
    check_operating(rule, operating, int(lot.ore.sum()), len(np.unique(lot.scan[ore])), not lot.why_no_grade, prices)
    if not isinstance(rule, str):
        return Point(check_threshold(rule))
    on = {"pairs": len(lot), "ore": int(lot.ore.sum()), "scans": lot.scans}
    made: dict[str, Any] = {}
    if rule == "value":
        assert prices is not None
        threshold = best_threshold(lot, prices)
    elif rule != "recovery":
        threshold = choose_threshold(rule, lot.p_ore, lot.ore.astype(np.int64), operating.lost_ore)
    elif operating.of == "particles":
        threshold, made["missed"] = threshold_of_particles(lot.p_ore[lot.ore], *promise)
    else:
        grade = lot.grade if operating.of == "metal" and lot.grade is not None else lot.ore.astype(np.float64)
        what = "metal" if operating.of == "metal" else "ore"
        threshold, made["on_scans"] = threshold_of_scans(lot.p_ore, lot.mass * grade, lot.scan, *promise, what)
    kept = {"recovery": promise[0], "confidence": promise[1], "of": operating.of, **made} if made else {}
    return Point(float(np.float32(threshold)), rule, on, kept)
