"""What was found of each pair as tables: means of pairs, with intervals over scans."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.represent.regions import REGIONS, RIM
from oresort.sorting.decide import is_ore
from oresort.sorting.resample import Interval, drawn_scans, interval
from oresort.tables.bootstrap import weighted_metric

if TYPE_CHECKING:
    from oresort.learn.look.curves import Curves
    from oresort.learn.look.explain import Explained

RESAMPLES = 1000

Values = NDArray[np.float64]


def means(values: Values, scans: list[str], names: tuple[str, str, str]) -> pd.DataFrame:
    """Return the mean of each column of values (N, C), and its interval over scans, as columns of these names.

    NaN is left out: of a pair that a figure is not defined for.
    """
    codes, drawn = drawn_scans(scans, RESAMPLES)  # (N,), (1 + B, S)
    count = drawn.shape[1]
    known = np.isfinite(values)
    sums, sizes = np.zeros((2, count, values.shape[1]))
    np.add.at(sums, codes, np.where(known, values, 0.0))
    np.add.at(sizes, codes, known)
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = (drawn @ sums) / (drawn @ sizes)  # (1 + B, C)
    rows = [tuple(interval(column, count)) for column in resampled.T]
    return pd.DataFrame(rows, columns=list(names))


def _row(columns: Mapping[str, NDArray[Any]], scans: list[str]) -> dict[str, float]:
    values = np.stack([column.astype(np.float64) for column in columns.values()], 1)  # (N, C)
    row: dict[str, float] = {}
    for name, ends in zip(columns, means(values, scans, ("", "_low", "_high")).to_numpy().tolist(), strict=True):
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
    return row


def auroc_of(found: "Explained") -> Interval:
    """Return the AUROC of the pairs that were looked at, with its interval over scans: does the model know at all?"""
    own = found.pairs[found.pairs["sampled"]]
    codes, drawn = drawn_scans(_scans(found), RESAMPLES)
    ore, p_ore = own["label"].to_numpy() == 1, own["p_ore"].to_numpy(np.float64)
    return interval(weighted_metric("auroc", p_ore, ore, 0.5, drawn[:, codes]), drawn.shape[1])


def shares_table(found: "Explained") -> pd.DataFrame:
    """Return a row for each model, map and region: its shares of the relevance, with intervals, and of the area.

    `mass` is the share of the positive relevance, `rank` that of the most relevant pixels, see
    `oresort.represent.regions.relevance_shares`; `area` what either is of a map that is blind. `pairs` are those with
    positive relevance. `cell` is the mean side of a map's cell in detector pixels; `coarse` says that the rim is
    thinner than that, so that the map cannot tell rim from inside.
    """
    scans = _scans(found)
    tables = []
    for model, looked in found.looked.items():
        for k, kind in enumerate(looked.kinds):
            mass, rank = looked.mass[:, k], looked.rank[:, k]  # (M, 4) each
            cell = float(looked.cell[:, k].mean())
            table = pd.concat(
                [
                    means(mass, scans, ("mass", "mass_low", "mass_high")),
                    means(rank, scans, ("rank", "rank_low", "rank_high")),
                    means(looked.area, scans, ("area", "area_low", "area_high"))[["area"]],
                ],
                axis=1,
            )
            head = {"model": model, "map": kind.key, "name": kind.name, "region": list(REGIONS)}
            tail = {"pairs": int(np.isfinite(mass[:, 0]).sum()), "cell": cell, "coarse": cell > RIM}
            tables.append(pd.concat([pd.DataFrame(head), table, pd.DataFrame(tail, index=range(len(REGIONS)))], axis=1))
    return pd.concat(tables, ignore_index=True)


def pairs_table(found: "Explained") -> pd.DataFrame:
    """Return a row for each pair: what it is, the answer, the answer after each change, the shares of its maps' mass.

    `sampled` pairs are those that count in all other tables.
    """
    columns = [name for name in ("id", "scan", "batch", "grade", "mass") if name in found.pairs]
    table = found.pairs[columns].copy()
    table["label"] = np.where(found.pairs["label"] == 1, "ore", "waste")
    table["p_ore"], table["called"] = found.pairs["p_ore"], np.where(found.pairs["called"], "ore", "waste")
    table["sampled"] = found.pairs["sampled"]
    made: dict[str, NDArray[Any]] = {f"p_ore, {name}": p_ore for name, p_ore in found.moved.items() if name}
    for k, kind in enumerate(found.shown.kinds):
        made |= {f"{kind.key}, {region}": found.shown.mass[:, k, r] for r, region in enumerate(REGIONS)}
    return pd.concat([table, pd.DataFrame(made)], axis=1)


def sensitivity_table(found: "Explained", threshold: float) -> pd.DataFrame:
    """Return a row for each physical change: how p_ore moves, of all pairs, of ore, of waste, and who is called anew.

    `dp` is the mean change of p_ore, `size` the mean of its size, `flipped` the share of decisions that turn;
    `become_ore` and `become_waste` are its two parts. With intervals.
    """
    count = found.pairs["sampled"].to_numpy()
    before = found.moved[""][count].astype(np.float64)
    ore, scans, rows = found.pairs["label"].to_numpy()[count] == 1, _scans(found), []
    for name, p_ore in found.moved.items():
        if not name:
            continue
        after = p_ore[count].astype(np.float64)
        step, was, now = after - before, is_ore(before, threshold), is_ore(after, threshold)
        columns = {
            "dp": step, "size": np.abs(step), "dp_of_ore": np.where(ore, step, np.nan),
            "dp_of_waste": np.where(ore, np.nan, step), "flipped": was != now, "become_ore": ~was & now,
            "become_waste": was & ~now,
        }  # fmt: skip
        rows.append({"change": name, "pairs": len(step), **_row(columns, scans)})
    return pd.DataFrame(rows)


def faithfulness_table(found: "Explained") -> pd.DataFrame:
    """Return a row for each map and way: the area under its curve, under that of a random order, their difference.

    For deletion less is better, for insertion more. Intervals are over scans.
    """
    if found.curves is None:
        return pd.DataFrame()
    from oresort.learn.look.curves import WAYS  # with torch, which the curves were made with

    scans = [_scans(found)[i] for i in found.curved]
    rows = []
    for k, kind in enumerate(found.curves.kinds):
        for w, way in enumerate(WAYS):
            own, other = found.curves.area[:, k, w].T
            row = _row({"area": own, "random": other, "difference": own - other}, scans)
            rows.append({"map": kind.key, "name": kind.name, "way": way, "pairs": len(own), **row})
    return pd.DataFrame(rows)


def curves_table(curves: "Curves") -> pd.DataFrame:
    """Return the mean probability of the decision by map, way, order (map or random) and share of the pixels."""
    from oresort.learn.look.curves import SHARES, WAYS

    p = curves.p.mean(0)  # (K, 2, 2, F)
    rows = [
        {"map": kind.key, "name": kind.name, "way": way, "order": order, "share": share, "p": p[k, w, o, s]}
        for k, kind in enumerate(curves.kinds)
        for w, way in enumerate(WAYS)
        for o, order in enumerate(("map", "random"))
        for s, share in enumerate(SHARES)
    ]
    return pd.DataFrame(rows)


def _scans(found: "Explained") -> list[str]:
    return [str(scan) for scan in found.pairs.loc[found.pairs["sampled"], "scan"]]
