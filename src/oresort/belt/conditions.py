"""What a mine and its sorter are like: everything about a simulated dataset that may be other than on scan 38."""

from dataclasses import dataclass, fields
from typing import Annotated, Self

from oresort.belt.rock import ASSOCIATION, LITHOLOGIES
from oresort.console.check import check
from oresort.console.ranges import number, share
from oresort.errors import InputError

COPPER, FRONT, BETWEEN = 0.10, 0.24, 0.11
"""The sorter's own stack in mm (tube filter, front screen, filter between), fitted: with rocks as simulated here it
bends the ratio of attenuations with thickness as on scan 38. The front is 0.4 mm of screen packed at 60 %. Stack and
host rock trade off against each other in four rocks, so this is one of several that fit."""


@dataclass(frozen=True)
class Conditions:
    """What scans are taken with and of, about which each scan drifts; `conf/simulate.yaml` explains the keys.

    InputError for a number out of its range, an unknown lithology, or none.
    """

    association: Annotated[float, share()] = ASSOCIATION
    lithologies: tuple[str, ...] = tuple(LITHOLOGIES)
    size: Annotated[float, number(0.4, 2)] = 1.0  # of the particles' width
    kvp: Annotated[float, number(140, 180)] = 160.0  # as tabulated; a scan's own may lie 2 % outside
    filter: Annotated[float, number(0, 3)] = COPPER
    front: Annotated[float, number(0.05, 2)] = FRONT
    between: Annotated[float, number(0, 3)] = BETWEEN
    magnification: Annotated[float, number(0, 2)] = 0.754  # per cent, scan 38: the high layer lies farther away
    noise: Annotated[float, number(0, 10)] = 1.0  # of the deviation of pixel noise
    # pixels; with more it would leave the window in which a particle is imaged
    blur: Annotated[float, number(0, 2)] = 0.0
    air_error: Annotated[float, number(-0.5, 0.5)] = 0.0  # of the manifest's air level, as a share

    def __post_init__(self) -> None:
        check(self)
        if unknown := [name for name in self.lithologies if name not in LITHOLOGIES]:
            raise InputError(f"lithologies: {unknown[0]!r} is unknown; known are {', '.join(LITHOLOGIES)}")
        if not self.lithologies:
            raise InputError(f"lithologies=[]: name at least one of {', '.join(LITHOLOGIES)}")

    @classmethod
    def of(cls, config: object) -> Self:
        """Return the conditions that a configuration with keys of the same names asks for."""
        given = {key.name: getattr(config, key.name) for key in fields(cls)}
        return cls(**{**given, "lithologies": tuple(given["lithologies"])})
