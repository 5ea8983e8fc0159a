"""How often does `threshold=recovery` keep its promise, where its assumption holds and where it does not?

    python -m studies.promise

Draws plants whose answers are like those of a model's validation pairs: logits of a class are normal, with effects of
scans that ore and waste share in part; no image is simulated. Each plant chooses a threshold on scans of its own, and
the recovery that it then has in the long run is reckoned exactly. Also parts the validation scans themselves into those
on which the threshold is chosen, and those on which it is measured. It writes `promise.csv` and `promise.png`.
"""

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import beta, norm

from oresort.console.palette import BLUE, GREY, SKY, VERMILION
from oresort.errors import InputError
from oresort.learn.load import load
from oresort.sorting.decide import is_ore
from oresort.sorting.lot import Lot
from oresort.sorting.operating import Operating
from oresort.sorting.point import choose_point
from studies.command import run_study, save

_KINDS = {"scans are alike": 0.0, "scans differ as the model's": None, "scans differ much": 0.5}
"""Shares of the variance of logits that lie between scans; None: as they are."""

_EDGE = 1e-6  # probabilities are held off 0 and 1 by this: their logits are finite


@dataclass
class Options:
    """Keys of the command."""

    ckpt: str = "builtin"  # model whose answers plants are like; it must know its validation pairs
    out: Path = Path("experiments/promise")  # folder for table and figure
    plants: int = 200  # of each setting
    scans: list[int] = field(default_factory=lambda: [10, 20, 40, 80, 160])  # on which a plant chooses
    particles: int = 15  # of each scan
    shifts: list[float] = field(default_factory=lambda: [0.25, 0.5, 1.0])  # of logits, in deviations of ore's
    recovery: float = 0.95  # that is promised
    confidence: float = 0.9  # with which it is
    seed: int = 0


class Answers(NamedTuple):
    """Logits of ore (first) and waste (second): means, and deviations between and within scans."""

    ore: float  # share of particles
    means: tuple[float, float]
    between: tuple[float, float]
    within: tuple[float, float]
    together: float  # correlation of the effects of scans


def fitted(lot: Lot) -> Answers:
    """Return the model of a lot's answers by moments: deviations between scans are beyond what few particles make."""
    p = lot.p_ore.astype(np.float64).clip(_EDGE, 1 - _EDGE)
    logits, effects, means, between, within = np.log(p / (1 - p)), [], [], [], []
    for own in (lot.ore, ~lot.ore):
        table = pd.DataFrame({"scan": lot.scan[own], "logit": logits[own]}).groupby("scan")["logit"]
        if len(table) < 5:
            raise InputError(f"ckpt: its validation pairs are of {len(table)} scans with a class; give another model")
        inner = float((table.var(ddof=1) * (table.size() - 1)).sum() / (table.size() - 1).sum())
        outer = float(table.mean().var(ddof=1) - inner * (1 / table.size()).mean())
        means.append(float(logits[own].mean()))
        within.append(inner**0.5)
        between.append(max(outer, 0.0) ** 0.5)
        effects.append(table.mean())
    both = pd.concat(effects, axis=1, join="inner").dropna()
    # what few particles make of a scan's means is not shared, so the covariance is the effects' own
    shared = float(np.cov(both.to_numpy().T)[0, 1]) if len(both) > 2 else 0.0
    together = float(np.clip(shared / (between[0] * between[1]), -1, 1)) if min(between) > 0 else 0.0
    return Answers(
        float(lot.ore.mean()), (means[0], means[1]), (between[0], between[1]), (within[0], within[1]), together
    )


def parted(answers: Answers, share: float | None) -> Answers:
    """Return the same answers with another `share` of their variance between scans; None: as they are."""
    if share is None:
        return answers
    whole = np.hypot(answers.between, answers.within)
    between, within = whole * share**0.5, whole * (1 - share) ** 0.5
    return answers._replace(between=(float(between[0]), float(between[1])), within=(float(within[0]), float(within[1])))


def drawn(answers: Answers, scans: int, particles: int, rng: np.random.Generator) -> Lot:
    """Return a plant's validation pairs."""
    scan = np.repeat(np.arange(scans), particles)
    ore = rng.random(len(scan)) < answers.ore
    which = np.where(ore, 0, 1)
    between, within = np.array(answers.between), np.array(answers.within)
    shared = rng.multivariate_normal([0, 0], [[1, answers.together], [answers.together, 1]], scans)  # (scans, 2)
    logits = (
        np.array(answers.means)[which]
        + between[which] * shared[scan, which]
        + within[which] * rng.normal(size=len(scan))
    )
    p_ore = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return Lot(p_ore, ore, scan.astype(str), rng.lognormal(0, 0.5, len(scan)), "image")


def long_run(answers: Answers, threshold: float, shift: float = 0.0) -> float:
    """Return the recovery of ore at a threshold, of answers moved down by `shift` deviations of ore's logits."""
    spread = float(np.hypot(answers.between[0], answers.within[0]))
    if not 0 < threshold < 1:
        return float(threshold <= 0)
    logit = float(np.log(threshold / (1 - threshold)))
    return float(norm.sf((logit - answers.means[0]) / spread + shift))


def rows_of(options: Options, answers: Answers) -> list[dict[str, object]]:
    """Return a row for each setting of drawn plants."""
    promise = {"recovery": options.recovery, "confidence": options.confidence}
    rows = []
    for scans in options.scans:
        for (name, share), of in product(_KINDS.items(), ("particles", "mass")):
            own = parted(answers, share)
            rng = np.random.default_rng((options.seed, scans, list(_KINDS).index(name)))
            thresholds = []
            for _ in range(options.plants):
                lot = drawn(own, scans, options.particles, rng)
                try:
                    thresholds.append(choose_point("recovery", lot, Operating(of=of, **promise)).threshold)
                except InputError:  # too few particles or scans: no promise is made
                    break
            for shift in (0.0, *options.shifts) if thresholds and len(thresholds) == options.plants else ():
                found = np.array([long_run(answers, threshold, shift) for threshold in thresholds])
                rows.append(_row(name, of, scans, shift, found, options.recovery))
    return rows


def halves(options: Options, lot: Lot) -> list[dict[str, object]]:
    """Return a row for each number of the lot's own scans on which the threshold is chosen; the others measure it."""
    names, rows = np.unique(lot.scan), []
    for scans in options.scans:
        if scans > len(names) // 2:
            continue
        rng, found = np.random.default_rng((options.seed, scans)), []
        for _ in range(options.plants):
            own = np.isin(lot.scan, rng.choice(names, scans, replace=False))
            part = Lot(lot.p_ore[own], lot.ore[own], lot.scan[own], lot.mass[own], lot.mass_from)
            operating = Operating(recovery=options.recovery, confidence=options.confidence)
            try:
                threshold = choose_point("recovery", part, operating).threshold
            except InputError:
                break
            found.append(float(is_ore(lot.p_ore[~own & lot.ore], threshold).mean()))
        if len(found) == options.plants:
            rows.append(_row("the model's own", "particles", scans, 0.0, np.array(found), options.recovery))
    return rows


def _row(
    answers: str,
    of: str,
    scans: int,
    shift: float,
    found: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    wanted: float,
) -> dict[str, object]:
    kept, count = int((found >= wanted).sum()), len(found)
    return {
        **{"answers": answers, "promise of": of, "scans": scans, "shift": shift, "plants": count},
        "kept": kept / count,
        "kept_low": float(beta.ppf(0.025, kept, count - kept + 1)) if kept else 0.0,
        "kept_high": float(beta.ppf(0.975, kept + 1, count - kept)) if kept < count else 1.0,
        "recovery_mean": float(found.mean()),
        "recovery_worst": float(found.min()),
    }


def draw(table: pd.DataFrame, confidence: float) -> Figure:
    """Draw how often promises are kept, by number of scans and by shift."""
    figure = Figure(figsize=(9.5, 3.8), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    looks = {
        ("scans are alike", "particles"): (BLUE, "o", "-"),
        ("scans differ as the model's", "particles"): (SKY, "v", "-"),
        ("scans differ much", "particles"): (VERMILION, "s", "-"),
        ("scans differ much", "mass"): (VERMILION, "^", "--"),
        ("the model's own", "particles"): (GREY, "D", "-"),
    }
    for (answers, of), (colour, marker, line) in looks.items():
        own = table[(table["answers"] == answers) & (table["promise of"] == of)]
        for axes, part, by in ((left, own[own["shift"] == 0], "scans"), (right, own[own["scans"] == 80], "shift")):
            if len(part):
                bars = np.abs(part[["kept_low", "kept_high"]].to_numpy().T - part["kept"].to_numpy())
                style = {"color": colour, "marker": marker, "linestyle": line, "capsize": 3}
                axes.errorbar(part[by], part["kept"], bars, label=f"{answers}, of {of}", **style)
    left.set(
        xscale="log", xlabel="scans on which the threshold is chosen", ylabel="plants in which the promise is kept"
    )
    right.set(xlabel="shift of the belt, deviations of ore's logits; 80 scans", ylim=(0, 1.03))
    for axes in (left, right):
        axes.axhline(confidence, color="black", linewidth=1, linestyle=":")
        axes.grid(alpha=0.3)
    left.legend(fontsize=8, loc="lower right")
    return figure


def study(options: Options) -> pd.DataFrame:
    """Draw the plants, write table and picture, and return the table."""
    known = load(options.ckpt, "cpu").known
    if known is None:
        raise InputError(f"ckpt={options.ckpt}: knows no validation pairs; give a run of oresort.train")
    table = pd.DataFrame([*rows_of(options, fitted(known)), *halves(options, known)])
    save(options.out, {"promise.csv": table, "promise.png": draw(table, options.confidence)}, "%.4f")
    return table


if __name__ == "__main__":
    run_study(Options, study)
