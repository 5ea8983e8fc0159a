"""What a model has seen in training, as files hold it: checked before figures of a belt stand beside it."""

from collections.abc import Mapping

from oresort.errors import InputError
from oresort.sorting.drift import BINS

_ENDS = {"scans": ("min", "median", "max"), "pairs": ("pairs", "median", "deviation", "least", "greatest")}


def check_seen(seen: object) -> None:
    """Refuse what `oresort.sorting.drift.compare` could not compare with; InputError names the key."""
    if not isinstance(seen, Mapping):
        raise InputError("seen: not a mapping")
    for group, names in _ENDS.items():
        figures = seen.get(group, {})
        if not isinstance(figures, Mapping):
            raise InputError(f"seen.{group}: not a mapping")
        for name, known in figures.items():
            if not isinstance(known, Mapping) or not all(_is_number(known.get(end)) for end in names):
                raise InputError(f"seen.{group}.{name}: not the numbers {', '.join(names)}")
            if group == "pairs" and not known["pairs"] > 0:
                raise InputError(f"seen.pairs.{name}: known of no pair")
    counts = seen.get("p_ore", [])
    if not isinstance(counts, list) or not all(type(n) is int and n >= 0 for n in counts):
        raise InputError(f"seen.p_ore: not {BINS} counts")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18  # NaN is none
