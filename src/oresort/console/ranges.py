"""Which numbers and words a key may have: `Annotated[int, whole(1)]`, beside a key of a dataclass or a keyword."""

import math
from dataclasses import dataclass

MOST = 2**31 - 1  # what still fits wherever a count or a size ends up
SEEDS = 2**32 - 1  # of every generator in use


@dataclass(frozen=True)
class Rule:
    """Numbers of a range, and words or other values that may stand in their place; true and false are no numbers.

    Args:
        least: smallest number; `above` excludes it itself.
        most: largest number.
        whole: no fractions.
        others: what else may be given.
    """

    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    whole: bool = False
    others: tuple[object, ...] = ()

    def allows(self, value: object) -> bool:
        """Tell whether a value may be given."""
        if isinstance(value, bool | str) or value is None:
            return any(value is other or (isinstance(value, str) and value == other) for other in self.others)
        if value in self.others:
            return True
        if not isinstance(value, int if self.whole else int | float):
            return False
        return self.least <= value <= self.most and not (self.above and value == self.least)

    def __str__(self) -> str:
        names = ", ".join(shown(other) for other in self.others)
        if self.least > self.most:
            return f"known are {names}"
        noun = "a whole number" if self.whole else "a number"
        lower = "" if self.least == -math.inf else f" {'above' if self.above else 'from'} {self.least:.10g}"
        upper = "" if self.most in (math.inf, MOST) else f" {'and at most' if self.above else 'to'} {self.most:.10g}"
        span = f" of at least {self.least:.10g}" if lower and not upper and not self.above else f"{lower}{upper}"
        return f"give {noun}{span}" + (f", or {names}" if names else "")


def whole(least: int, most: int = MOST) -> Rule:
    """Whole numbers from `least` to `most`."""
    return Rule(least, most, whole=True)


def number(least: float, most: float = math.inf, *, above: bool = False) -> Rule:
    """Numbers from `least`, or with `above` those above it, to `most`."""
    return Rule(least, most, above)


def one_of(*words: object) -> Rule:
    """One of some words."""
    return Rule(1, 0, others=words)


def share(*others: object) -> Rule:
    """A share of 1 or a probability, or one of `others`."""
    return Rule(0, 1, others=others)


def shown(value: object) -> str:
    """Return a value as it is typed on a command line."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)
