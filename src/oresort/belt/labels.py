"""How particles get their label: by the lot they came from, or by an assay of their own."""

from dataclasses import dataclass

import numpy as np

from oresort.errors import InputError

MODES = ("batch", "assay")


@dataclass(frozen=True)
class Labelling:
    """Rule of the labels.

    `batch`: the class of the lot; a share `wrong` of an ore lot is barren rock and of a waste lot mineralised,
    as when whole lots are labelled. `assay`: ore from `cutoff` wt % Cu on, read with a relative lognormal
    error `assay_noise`; a share `mineralised` of the feed is mineralised.
    """

    mode: str = "batch"
    wrong: float = 0.08
    cutoff: float = 0.10
    assay_noise: float = 0.10
    mineralised: float = 0.50

    def __post_init__(self) -> None:
        """Refuse an unknown mode and shares that are none."""
        if self.mode not in MODES:
            raise InputError(f"labels={self.mode!r} is unknown; choose from {', '.join(MODES)}")
        for name in ("wrong", "mineralised"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name):g} is no share; give a number from 0 to 1")
        # so written, also nan is refused
        if not (0 < self.cutoff < 100 and 0 <= self.assay_noise < 10):
            raise InputError(
                f"cutoff={self.cutoff:g} assay_noise={self.assay_noise:g}: give a cutoff from 0 to 100 wt % Cu "
                "and a relative error from 0 to 10"
            )

    def mineralised_share(self, lot: str | None) -> float:
        """Return the share of mineralised particles in a lot of a class, or in the feed if there are no lots."""
        if lot is None:
            return self.mineralised
        return 1.0 - self.wrong if lot == "ore" else self.wrong


def assay_label(rng: np.random.Generator, grade: float, labelling: Labelling) -> str:
    """Return `ore` or `waste` by an assay of `grade` wt % Cu with the labelling's error."""
    read = grade * float(np.exp(labelling.assay_noise * rng.standard_normal()))
    return "ore" if read >= labelling.cutoff else "waste"
