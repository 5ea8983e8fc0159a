"""The drift alarm: how a belt looks to a model, beside what the model was trained on."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.represent.mask import particle_mask
from oresort.xray.transmission import attenuation

BINS = 10
"""Equal bins of probabilities of ore, 0 to 1, in which they are counted."""

_GRAIN = 8  # lines across a particle, and up to twice as many, of which its grain is taken
_FEWEST = 5  # particles whose median is compared, and pairs of a scan that say how far scans lie apart
_CHANCE = 4.0  # standard errors of a median that are nobody's fault
_AIR, _NOISE, _RESIDUAL = 1.1, 1.25, 1.5  # beyond the training scans' range by this factor a scan is another one
_SHARE = 0.2  # of the particles on the other side of a probability: ore comes in richer and poorer lots

_SCAN = {  # by figure: the factor, what it is called, of which size and with which digits it is printed
    "air_low": (_AIR, "air of the low layer (counts)", 1, 0),
    "air_high": (_AIR, "air of the high layer (counts)", 1, 0),
    "noise_low": (_NOISE, "noise of the low layer (%, smoothed)", 100, 2),
    "noise_high": (_NOISE, "noise of the high layer (%, smoothed)", 100, 2),
    "residual": (_RESIDUAL, "residual of the registration", 1, 3),
}
_PAIR = {  # by figure: a shift, of its own size, that lots of one ore may differ by; the rest as above
    "low_mean": (0.15, "mean l of the particles", 1, 3),
    "high_mean": (0.15, "mean h of the particles", 1, 3),
    "r": (0.03, "R of the particles", 1, 3),
    "grain_low": (0.2, "grain of the particles in the low layer (%)", 100, 1),
    "grain_high": (0.2, "grain of the particles in the high layer (%)", 100, 1),
    "area": (0.3, "area of the particles (pixels)", 1, 0),
    "bend": (0.015, "R of a particle's thick half over that of its thin half (air or dark level)", 1, 3),
}


class PairFigures(NamedTuple):
    """What a model is given of one particle, in a few numbers; NaN where nothing of it is seen."""

    low_mean: float  # mean low attenuation l
    high_mean: float  # mean high attenuation h
    r: float  # l / h
    grain_low: float  # deviation of l between pixels side by side: noise, and what the rock adds to it
    grain_high: float
    area: float  # pixels
    # R of the pixels above the particle's mean of l + h over R of the others. An offset of the counts, or another air,
    # bends l over h, while what the rock is made of moves both R alike
    bend: float


class Compared(NamedTuple):
    """One figure beside its range in training, and in the words of a person."""

    name: str
    value: float
    least: float
    greatest: float
    below: float | None  # what is less is an alarm; None: nothing is
    above: float  # what is more is one
    title: str
    here: str
    training: str
    silent: str  # from where to where it is no alarm
    alarm: str  # what is wrong, with figures; empty if nothing is


def pair_figures(low: NDArray[np.uint16], high: NDArray[np.uint16], air: float, background: str) -> PairFigures:
    """Measure a pair of crops (h, w) in counts, as a model is given it: `air` level and `background` zero or air."""
    mask = particle_mask(low, air, background) & particle_mask(high, air, background)  # (h, w)
    area = int(np.count_nonzero(mask))
    if not area:
        return PairFigures(math.nan, math.nan, math.nan, math.nan, math.nan, 0.0, math.nan)
    layers = attenuation(np.array((low, high)), air)  # (2, h, w)
    # some lines tell as much of grains, for a part of what is the dearest here
    apart = max(len(mask) // _GRAIN, 1)
    some, inside = layers[:, ::apart], mask[::apart]
    beside = np.flatnonzero(inside[:, 1:] & inside[:, :-1])  # (s,)
    grains = [math.nan, math.nan]
    if beside.size:
        steps = (some[:, :, 1:] - some[:, :, :-1]).reshape(2, -1).take(beside, 1)  # (2, s)
        # the median keeps grains of sulphide out
        grains = [1.4826 / math.sqrt(2) * middle for middle in _medians(np.abs(steps, out=steps))]
    layers *= mask
    flat = layers.reshape(2, -1)  # (2, n), 0 outside
    means = _sums(flat, area)
    ratio = means[0] / means[1] if means[1] > 0 else math.nan
    flat *= flat[0] + flat[1] > means[0] + means[1]  # the thick half
    deep = _sums(flat, area)
    rest = means[0] - deep[0], means[1] - deep[1]
    bend = deep[0] * rest[1] / (deep[1] * rest[0]) if deep[1] > 0 and rest[0] > 0 and rest[1] > 0 else math.nan
    return PairFigures(means[0], means[1], ratio, grains[0], grains[1], float(area), bend)


def _sums(layers: NDArray[np.float32], area: int) -> list[float]:
    """Return the sums of values (k, n) over n for each pixel of an area, in double precision."""
    found: list[float] = (cv2.reduce(layers, 1, cv2.REDUCE_SUM, dtype=cv2.CV_64F)[:, 0] / area).tolist()
    return found


def _medians(values: NDArray[np.float32]) -> list[float]:
    """Return the medians of values (k, n), which are put in another order; numpy's own takes three times as long."""
    upper = values.shape[1] // 2
    values.partition(upper)
    lower = values[:, upper] if values.shape[1] % 2 else values[:, :upper].max(1)
    found: list[float] = ((lower + values[:, upper]) / 2).tolist()
    return found


def describe_pairs(figures: Sequence[PairFigures], scans: Sequence[object]) -> dict[str, dict[str, float]]:
    """Return what pairs of some scans look like, plain numbers by figure, empty for those nobody knows.

    `pairs` are how many it is known of, `median` and `deviation` (robust) theirs, `least` and `greatest` of the scans'
    medians, without the outermost twentieth at either side; of scans with few pairs each, the quartiles of all pairs.
    """
    table = np.array(figures, np.float64).reshape(-1, len(_PAIR))  # (N, 7)
    names = np.array([str(scan) for scan in scans])
    found = {}
    for name, column in zip(PairFigures._fields, table.T, strict=True):
        known = np.isfinite(column)
        values = column[known]
        if not values.size:
            continue
        median = float(np.median(values))
        groups = (values[names[known] == scan] for scan in np.unique(names[known]))
        medians = [float(np.median(group)) for group in groups if len(group) >= _FEWEST]
        # where no scan has pairs enough nobody knows how far scans differ: half of all pairs is a wide guess
        least, greatest = np.percentile(medians or values, [5, 95] if medians else [25, 75]).tolist()
        deviation = 1.4826 * float(np.median(np.abs(values - median)))
        ends = {"least": least, "greatest": greatest}
        found[name] = {"pairs": float(values.size), "median": median, "deviation": deviation, **ends}
    return found


def count_answers(p_ore: NDArray[np.floating]) -> list[int]:
    """Return how many probabilities (N,) lie in each of `BINS` equal bins."""
    return [int(count) for count in np.histogram(p_ore, BINS, (0, 1))[0]]


def compare(
    seen: Mapping[str, Any],
    scan: Mapping[str, float | None],
    figures: Sequence[PairFigures],
    p_ore: NDArray[np.floating],
    scans: int = 1,
) -> list[Compared]:
    """Return every figure of a belt that is known of training too, with an alarm where they are far apart.

    Air more than 10 % outside the range of the training scans, noise more than 25 %, a residual more than 50 % above
    it. Of particles the median, outside the range of the training scans' by more than four standard errors and by more
    than lots of one ore may differ: 15 % of l and h, 3 % of R, 20 % of the grain, 30 % of the area, 1.5 % of the bend.
    The median of many scans lies nearer to that of training than one scan's, by the root of their number. Of the
    answers, 20 % of the particles, and more than chance explains, on another side of a probability.

    Args:
        seen: what training knows: `scans` (least and greatest by figure), `pairs` of `describe_pairs`, `p_ore` of
            `count_answers` on the validation pairs. Whatever is lacking is not compared.
        scan: of this belt: `air_low`, `air_high` (counts), `noise_low`, `noise_high` (shares), `residual`.
        figures: of its N particles.
        p_ore: probabilities of ore (N,).
        scans: that the particles are of.
    """
    found = [*_scan(seen.get("scans", {}), scan), *_pairs(seen.get("pairs", {}), figures, scans)]
    return [*found, *_answers(seen.get("p_ore", []), p_ore)]


def _scan(seen: Mapping[str, Mapping[str, float]], scan: Mapping[str, float | None]) -> list[Compared]:
    found = []
    for name, (factor, title, size, digits) in _SCAN.items():
        value, known = scan.get(name), seen.get(name)
        if value is None or known is None or not np.isfinite(value):
            continue
        least, greatest = known["min"], known["max"]
        # layers that overlie better than in training are no fault
        silent = None if name == "residual" else least / factor, greatest * factor
        found.append(_compared(name, value, (least, greatest), silent, title, size, digits))
    return found


def _pairs(seen: Mapping[str, Mapping[str, float]], figures: Sequence[PairFigures], scans: int) -> list[Compared]:
    found = []
    table = np.array(figures, np.float64).reshape(-1, len(_PAIR))  # (N, 7)
    for (name, (small, title, size, digits)), column in zip(_PAIR.items(), table.T, strict=True):
        values, known = column[np.isfinite(column)], seen.get(name)
        if known is None or len(values) < _FEWEST:
            continue
        value, usual = float(np.median(values)), known["median"]
        least, greatest = (float(usual + (known[end] - usual) / np.sqrt(scans)) for end in ("least", "greatest"))
        # the standard error of a median is 1.25 times that of a mean
        error = 1.25 * known["deviation"] * np.sqrt(1 / len(values) + 1 / known["pairs"])
        margin = max(_CHANCE * float(error), small * abs(usual))
        silent = least - margin, greatest + margin
        found.append(_compared(name, value, (least, greatest), silent, title, size, digits))
    return found


def _answers(seen: Sequence[int], p_ore: NDArray[np.floating]) -> list[Compared]:
    if len(seen) != BINS or not sum(seen) or len(p_ore) < _FEWEST:
        return []
    here = np.array(count_answers(p_ore))  # (BINS,)
    # share of what lies above the lower edge of each bin
    shares = [counts[::-1].cumsum()[::-1] / counts.sum() for counts in (here, np.array(seen))]
    place = int(np.abs(shares[0] - shares[1]).argmax())
    value, usual = float(shares[0][place]), float(shares[1][place])
    # Kolmogorov and Smirnov: by chance, one time in a thousand
    margin = max(_SHARE, 1.95 * math.sqrt(1 / int(here.sum()) + 1 / sum(seen)))
    silent = max(usual - margin, 0.0), min(usual + margin, 1.0)
    title = f"particles with p_ore of {place / BINS:.1f} and more (%)"
    return [_compared("p_ore", value, (usual, usual), silent, title, 100, 0)]


def _compared(
    name: str,
    value: float,
    known: tuple[float, float],
    silent: tuple[float | None, float],
    title: str,
    size: int,
    digits: int,
) -> Compared:
    below, above = silent
    odd = value > above or (below is not None and value < below)
    here, *ends, most = (f"{number * size:,.{digits}f}" for number in (value, *known, above))
    usual = ends[0] if ends[0] == ends[1] else f"{ends[0]}-{ends[1]}"
    words = f"up to {most}" if below is None else f"{below * size:,.{digits}f} to {most}"
    alarm = f"{title} {here} against {usual} in training" if odd else ""
    return Compared(name, value, *known, below, above, title, here, usual, words, alarm)
