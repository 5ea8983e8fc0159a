"""What a row of nozzles leaves of a classifier's rates: direct hits, and neighbours that are blown out as well."""

import math
from typing import NamedTuple

from oresort.sorting.ejectors.settings import Ejectors


class Expected(NamedTuple):
    """What becomes of ore and waste, shares of each."""

    recovery: float  # of ore that is kept
    rejection: float  # of waste that is thrown out


def co_deflection(density: float, width: float, length: float, plant: Ejectors) -> float:
    """Return the probability kappa that a particle lies in the air meant for another: 1 - exp(-density * A).

    A = (width + nozzle pitch) * (length + v * t) is the area that one ejection blows away, and t for how long it blows
    before and after its particle. After Udoudo (Exeter, 2010) and Pieper and others (coupled simulations of belt
    sorters); particles lie at random.

    Args:
        density: ejected particles on a square metre of belt, 0 and more.
        width: mean of the ejected ones across the belt (mm).
        length: and along it (mm).
        plant: nozzle pitch, speed and times.
    """
    along = length / 1_000 + plant.belt_speed * plant.overblown
    return -math.expm1(-density * (width + plant.nozzle_pitch) / 1_000 * along)


def expected(true_ore: float, false_ore: float, direct_hit: float, kappa: float, blown: str = "waste") -> Expected:
    """Return what is kept of ore and thrown out of waste; all are shares from 0 to 1.

    Where waste is blown out: recovery = true_ore (1 - kappa), rejection = (1 - false_ore) direct_hit + false_ore kappa.
    Where ore is, the same with the classes exchanged.

    Args:
        true_ore: of ore that is called ore (recall).
        false_ore: of waste that is called ore.
        direct_hit: of particles aimed at that leave the stream.
        kappa: `co_deflection`.
        blown: "waste" or "ore".
    """
    if blown == "waste":
        return Expected(true_ore * (1 - kappa), (1 - false_ore) * direct_hit + false_ore * kappa)
    return Expected(true_ore * direct_hit + (1 - true_ore) * kappa, (1 - false_ore) * (1 - kappa))
