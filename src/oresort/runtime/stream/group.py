"""Regions of the belt that ended together: their particles decided on in time, or passed over."""

import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from oresort.runtime.decider import Decider
from oresort.scan.cut.held import Held
from oresort.scan.segment.particle import Particle
from oresort.sorting.decision import Decision


class Lateness(NamedTuple):
    """What is done with particles that there is no time left to classify."""

    deadline: float  # seconds after a particle's last line
    word: str  # keep or drop


class Arrivals(NamedTuple):
    """When the last lines of a belt came, a few at a time."""

    ends: Sequence[int]  # line after the last one of each
    times: Sequence[float]  # time.perf_counter() at which these were here

    def of(self, particle: Particle) -> float:
        """Return when a particle's last line was here."""
        return self.times[min(bisect_left(self.ends, particle.y + particle.h), len(self.times) - 1)]


class Group(NamedTuple):
    """Regions of one block of lines."""

    regions: Sequence[Held]
    arrivals: Arrivals
    over: Sequence[Sequence[int]] = ()
    """First and one past the last column of particles on the first line that were decided on before."""


class Made(NamedTuple):
    """What was decided on a group's particles, in their order."""

    decisions: list[Decision]
    late: int  # of these were passed over


def made_of(decider: Decider, group: Group, lateness: Lateness | None) -> Made:
    """Decide on a group; InputError as `Decider.decide`."""
    cuts = [cut for held in group.regions for cut in decider.crop(held) if not _was_decided(cut.particle, group.over)]
    late = [False] * len(cuts)
    if lateness is not None:
        now = time.perf_counter()  # one clock for all processes of a machine
        late = [now - group.arrivals.of(cut.particle) > lateness.deadline for cut in cuts]
    if lateness is None or not any(late):
        return Made(decider.decide(cuts), 0)
    made = dict[int, Decision]()
    for wanted in (False, True):
        places = [k for k in range(len(late)) if late[k] == wanted]
        some = [cuts[k] for k in places]
        decisions = decider.pass_over(some, lateness.word) if wanted else decider.decide(some)
        made |= dict(zip(places, decisions, strict=True))
    return Made([made[k] for k in range(len(late))], sum(late))


def _was_decided(particle: Particle, over: Sequence[Sequence[int]]) -> bool:
    if particle.y > 0 or not over:
        return False
    return any(left < particle.x + particle.w and particle.x < right for left, right in over)
