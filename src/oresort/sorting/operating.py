"""The keys of an operating point, as every command with `threshold=` has them."""

from dataclasses import dataclass
from typing import Annotated

from oresort.console.ranges import number, one_of, share

OF_LABELS = ("balanced_accuracy", "f1", "youden", "cost")
"""Rules that ask for classes alone."""

RULES = (*OF_LABELS, "recovery", "value")
"""All rules by which a threshold is chosen."""

THRESHOLD = share(*RULES)
"""What may be given as a threshold: the number, or the rule by which it is chosen."""

MOVED = share(*RULES, None)
"""The same in place of the one saved with a model; null: that one."""


@dataclass
class Operating:
    """What `threshold=recovery` promises, and what `threshold=cost` weighs."""

    recovery: Annotated[float, number(0.01, 0.9999)] = 0.95
    confidence: Annotated[float, number(0.5, 0.9999)] = 0.9
    of: Annotated[str, one_of("particles", "mass", "metal")] = "particles"
    lost_ore: Annotated[float, number(0, 1e6, above=True)] = 1.0
