"""The keys of an operating point, as every command with `threshold=` has them."""

from dataclasses import dataclass
from typing import Annotated

from oresort.console.ranges import number, one_of, share, shown
from oresort.errors import InputError

OF_LABELS = ("balanced_accuracy", "f1", "youden", "cost")
"""Rules that ask for classes alone."""

RULES = (*OF_LABELS, "recovery", "value")
"""All rules by which a threshold is chosen."""

THRESHOLD = share(*RULES)
"""What may be given as a threshold: the number, or the rule by which it is chosen."""

MOVED = share(*RULES, None)
"""The same in place of the one saved with a model; null: that one."""


_USED = {"recovery": ("recovery", "confidence", "of"), "cost": ("lost_ore",)}  # by rule


@dataclass
class Operating:
    """What `threshold=recovery` promises, and what `threshold=cost` weighs."""

    recovery: Annotated[float, number(0.01, 0.9999)] = 0.95
    confidence: Annotated[float, number(0.5, 0.9999)] = 0.9
    of: Annotated[str, one_of("particles", "mass", "metal")] = "particles"
    lost_ore: Annotated[float, number(0, 1e6, above=True)] = 1.0


def check_used(threshold: object, operating: Operating, prices: str | None = None) -> None:
    """Refuse keys that `threshold` does not ask for: who gives them expects that they count.

    `prices` is the file of a command that has no other use for it.

    Raises:
        InputError: names the key, and the rule that it is of.
    """
    usual = Operating()
    for rule, keys in _USED.items():
        for key in keys:
            given = getattr(operating, key)
            if threshold != rule and given != getattr(usual, key):
                raise InputError(
                    f"operating.{key}={shown(given)}: is of threshold={rule} alone; say that, or leave it out"
                )
    if prices is not None and threshold != "value":
        raise InputError(f"prices={prices}: is of threshold=value alone here; say that, or leave it out")
