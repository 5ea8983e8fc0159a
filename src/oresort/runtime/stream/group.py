"""Particles that ended together, decided on in time or passed over."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from oresort.runtime.decider import Decider
from oresort.scan.cut.uncut import Uncut
from oresort.sorting.decision import Decision


class Lateness(NamedTuple):
    """What is done with particles that there is no time left to classify."""

    deadline: float  # seconds after a particle's last line
    word: str  # keep or drop


class Group(NamedTuple):
    """Particles of one block of lines."""

    particles: Sequence[Uncut]
    came: Sequence[float]  # time.perf_counter() at which the last line of each was here


class Made(NamedTuple):
    """What was decided on a group, in its order."""

    decisions: list[Decision]
    late: int  # of these were passed over


def made_of(decider: Decider, group: Group, lateness: Lateness | None) -> Made:
    """Decide on a group; InputError as `Decider.decide`."""
    late = [False] * len(group.came)
    if lateness is not None:
        now = time.perf_counter()  # one clock for all processes of a machine
        late = [now - came > lateness.deadline for came in group.came]
    if lateness is None or not any(late):
        return Made(decider.decide(group.particles), 0)
    made = dict[int, Decision]()
    for wanted in (False, True):
        places = [k for k in range(len(late)) if late[k] == wanted]
        particles = [group.particles[k] for k in places]
        decisions = decider.pass_over(particles, lateness.word) if wanted else decider.decide(particles)
        made |= dict(zip(places, decisions, strict=True))
    return Made([made[k] for k in range(len(late))], sum(late))
