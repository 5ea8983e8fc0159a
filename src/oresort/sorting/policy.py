"""What is done with particles that cannot be judged as others are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.scan.segment.particle import Particle
from oresort.sorting.probability import check_probabilities, check_threshold

_WORDS = {"keep": "ore", "drop": "waste", "decide": None}
POLICIES = tuple(_WORDS)
_KEYS = ("faulty", "clipped", "touching", "unsure")  # the gravest first; what is mended or parted is judged as others


@dataclass(frozen=True)
class Policy:
    """`keep`, `drop` or `decide` (by the threshold) for each kind; `conf/sort.yaml` explains the keys.

    InputError for another word, or a band that is not a number from 0 to 1.
    """

    faulty: str = "keep"
    clipped: str = "decide"
    touching: str = "decide"
    unsure: str = "keep"
    band: float = 0.0  # a particle is unsure whose probability lies closer to the threshold; 0: none is

    def __post_init__(self) -> None:
        for key in _KEYS:
            if getattr(self, key) not in _WORDS:
                raise InputError(f"{key}={getattr(self, key)}: unknown; known are {', '.join(_WORDS)}")
        if not 0 <= self.band <= 1:
            raise InputError(f"band={self.band}: not a distance of probabilities; give a number from 0 to 1")

    @classmethod
    def of(cls, config: object, band: float) -> Self:
        """Return the policy that a configuration with keys of the same names asks for, beside the band."""
        return cls(**{key: getattr(config, key) for key in _KEYS}, band=band)

    def __call__(
        self, p_ore: NDArray[np.floating], threshold: float, particles: Sequence[Particle]
    ) -> tuple[list[str], list[str]]:
        """Return decision (`ore` or `waste`) and reason (`threshold` or `policy:<kind>`) of N particles.

        Of the kinds of a particle for which the policy is not `decide`, the gravest counts.

        Raises:
            InputError: as `decide`.
        """
        check_threshold(threshold)
        limit = float(np.float32(threshold))  # compared as `is_ore` does, but of a particle or two no arrays are made
        answers: list[float] = np.asarray(p_ore, np.float32).tolist()
        if not all(0 <= p <= 1 for p in answers):
            check_probabilities(p_ore, "p_ore")
        decisions = ["ore" if p >= limit else "waste" for p in answers]
        reasons = ["threshold"] * len(decisions)
        near = [abs(p - threshold) < self.band for p in p_ore.tolist()]
        for i, particle in enumerate(particles):
            for kind in _KEYS:
                word = _WORDS[getattr(self, kind)]
                if word and (near[i] if kind == "unsure" else getattr(particle, kind)):
                    decisions[i], reasons[i] = word, f"policy:{kind}"
                    break
        return decisions, reasons
