"""How much ore a threshold keeps at least, and how sure that is, from particles of known class.

Two promises, each exact for finite numbers where its assumption holds:

- of *particles*: the exact binomial test in a fixed sequence of thresholds (Angelopoulos et al. 2021, Learn then Test),
  which here is Wilks's tolerance bound (1941). It assumes that particles are drawn independently of each other.
- of the *mass* or *metal* of a scan, on average over scans: a bet against the loss of whole scans (Waudby-Smith and
  Ramdas 2024, JRSS B 86), at every threshold, of which the losses only rise (Bates et al. 2021, J. ACM 68). It assumes
  that scans are drawn independently, and nothing of the particles within one.
"""

import math

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.sorting.resample import Vector

_STAKES = np.arange(1, 11) / 10  # shares of the highest stake, of which the bet places each alike
_MOST = 1_000_000  # scans or particles beyond which nobody waits


def misses_allowed(ore: int, recovery: float, confidence: float) -> int:
    """Return how many of some ore particles may be missed for the promise to stand, -1 if even none is too many."""
    # who only reads a threshold does without
    from scipy.stats import binom

    if ore <= 0:
        return -1
    misses = int(binom.ppf(1 - confidence, ore, 1 - recovery))
    while misses >= 0 and binom.cdf(misses, ore, 1 - recovery) > (1 - confidence) * (1 + 1e-12):
        misses -= 1
    return misses


def particles_needed(recovery: float, confidence: float) -> int:
    """Return how many ore particles, none of them missed, are enough for a promise: 45 for 95 % with 90 %."""
    return math.ceil(math.log(1 - confidence) / math.log(recovery) - 1e-9)


def promised(ore: int, misses: int, confidence: float) -> float:
    """Return the recovery of particles that `misses` of some ore particles promise (Clopper and Pearson, one-sided)."""
    from scipy.stats import beta

    return float(beta.ppf(1 - confidence, ore - misses, misses + 1)) if ore > misses else 0.0


def threshold_of_particles(p_ore: NDArray[np.floating], recovery: float, confidence: float) -> tuple[float, int]:
    """Return the highest threshold that keeps the promise, and how many ore particles it misses.

    `p_ore` are probabilities (N,) of ore particles alone.

    Raises:
        InputError: too few of them; says how many would do, and what they can promise at best.
    """
    misses = misses_allowed(len(p_ore), recovery, confidence)
    if misses < 0:
        best = promised(len(p_ore), 0, confidence)
        raise InputError(
            f"operating.recovery={recovery:g}: {len(p_ore)} ore particles promise at most {_floor(best)} with a "
            f"confidence of {confidence:g}; {particles_needed(recovery, confidence)} would do, or lower it"
        )
    threshold = float(np.sort(np.asarray(p_ore, np.float32))[misses])
    return threshold, int((np.asarray(p_ore, np.float32) < np.float32(threshold)).sum())


def doubt(losses: Vector, allowed: float, repeated: float = 1.0) -> float:
    """Return how improbable these losses of scans (S,), 0 to 1, are at most if on average more than `allowed` is lost.

    `repeated` pretends that there are so many times as many scans like them.
    """
    stakes = _STAKES[:, None] / (1 - allowed)
    with np.errstate(divide="ignore"):
        # at most 1 of each stake is left of what was placed: 1 + stake (allowed - loss) >= 0
        growth = np.log(np.maximum(1 + stakes * (allowed - losses), 0)).sum(axis=1) * repeated
    won = float(np.exp(np.minimum(growth, 700)).mean())
    return min(1.0, 1 / won) if won > 0 else 1.0


def scans_needed(losses: Vector, recovery: float, confidence: float) -> int:
    """Return how many scans with such losses (S,) would be enough; 0 where no number of them is."""
    allowed = 1 - recovery
    if not len(losses) or doubt(losses, allowed, _MOST / len(losses)) > 1 - confidence:
        return 0
    few, many = 0, _MOST
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if doubt(losses, allowed, middle / len(losses)) <= 1 - confidence else (middle, many)
    return many


def losses_of_scans(p_ore: NDArray[np.floating], weight: Vector, scan: NDArray[np.str_], threshold: float) -> Vector:
    """Return the share of each scan's `weight` (N,) below a threshold (S,); scans without any are left out."""
    _, codes = np.unique(scan, return_inverse=True)
    lost = np.bincount(codes, weight * (np.asarray(p_ore, np.float32) < np.float32(threshold)))
    whole = np.bincount(codes, weight)
    return np.asarray((lost / np.where(whole > 0, whole, 1))[whole > 0])


def threshold_of_scans(
    p_ore: NDArray[np.floating], weight: Vector, scan: NDArray[np.str_], recovery: float, confidence: float, what: str
) -> tuple[float, int]:
    """Return the highest threshold that keeps the promise, and on how many scans that rests.

    `weight` (N,) is what each particle holds of `what`, mass of ore or metal.

    Raises:
        InputError: too few scans; says how many would do.
    """
    candidates = np.unique(np.asarray(p_ore, np.float32)[weight > 0])
    none = losses_of_scans(p_ore, weight, scan, 0.0)
    allowed = 1 - recovery
    if not len(candidates) or doubt(none, allowed) > 1 - confidence:
        # what half of the loss that is allowed would take, too: that no scan loses anything is seldom of use
        fair = [losses_of_scans(p_ore, weight, scan, float(p)) for p in candidates]
        half = next(
            (scans_needed(lost, recovery, confidence) for lost in reversed(fair) if lost.mean() <= allowed / 2), 0
        )
        least = scans_needed(np.zeros(1), recovery, confidence)
        more = f", about {half} if they lose half of what may be lost" if half else ""
        raise InputError(
            f"operating.recovery={recovery:g}: {len(none)} scans with {what} are too few to promise that with a "
            f"confidence of {confidence:g}; {least} would do if none lost any{more}; or say operating.of=particles"
        )
    few, many = 0, len(candidates)  # the first keeps all
    while many - few > 1:
        middle = (few + many) // 2
        lost = losses_of_scans(p_ore, weight, scan, float(candidates[middle]))
        few, many = (middle, many) if doubt(lost, allowed) <= 1 - confidence else (few, middle)
    return float(candidates[few]), len(none)


def _floor(share: float) -> str:
    return f"{math.floor(1_000 * share) / 1_000:g}"
