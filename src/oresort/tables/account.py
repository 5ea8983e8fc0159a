"""What a plant is told of a sorted lot: on the screen, and as tables and a picture."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from oresort.console.counted import counted
from oresort.console.palette import BLACK, BLUE, GREEN, GREY, VERMILION
from oresort.console.show import show
from oresort.files.write import replacing
from oresort.sorting.account import GRADES, Account
from oresort.sorting.money import Money
from oresort.sorting.point import Point
from oresort.sorting.prices import Prices
from oresort.sorting.resample import FEWEST, LEVEL, Interval
from oresort.tables.figure import KINDS, PAGE, write_figure

_NUMBERS = ("enrichment", "ep", "bias", "sortability", "sortability_density", "sortability_r")
_MONEY = ("value", "gain")
_ORIGINS = {
    "manifest": "masses of the manifest",
    "image": "masses from the images (attenuation summed over a particle)",
}


def show_account(account: Account, name: str) -> None:
    """Print figures with their intervals, what is left out and why, the operating point, and one line of it all."""
    lot = account.lot
    between = f"{LEVEL:.0%} over scans"
    table = [
        {"figure": figure, "": figure_text(figure, known.value), between: _between(figure, known)}
        for figure, known in account.figures.found.items()
    ]
    title = f"{name}: {counted(len(lot), 'particle')} of {counted(lot.scans, 'scan')}, {_ORIGINS[lot.mass_from]}"
    show(pd.DataFrame(table), f"{title} (shares and grades in per cent)")
    reasons: dict[str, list[str]] = {}
    for figure, why in account.figures.left_out.items():
        reasons.setdefault(why, []).append(figure)
    for why, figures in reasons.items():
        print(f"left out: {', '.join(figures)}: {why}")
    if lot.scans < FEWEST:
        print(f"no intervals: {counted(lot.scans, 'scan')}, {FEWEST} are needed")
    if account.money is not None and account.prices is not None:
        _show_money(account.money, account.prices)
    print(account.point.words())
    print(account.headline())


def write_account(account: Account, folder: Path, kinds: Sequence[str]) -> list[Path]:
    """Write `curves.csv`, and where there is money `value.csv`, `prices.csv` and `value` as `kinds`; return paths."""
    tables = {"curves.csv": pd.DataFrame(account.curves)}
    if account.money is not None and account.prices is not None:
        tables["value.csv"] = pd.DataFrame(account.money.curve)
        tables["prices.csv"] = pd.DataFrame(account.money.sensitivity)
    for name in ("value.csv", "prices.csv", *(f"value.{kind}" for kind in KINDS)):
        (folder / name).unlink(missing_ok=True)  # of other prices
    for name, table in tables.items():
        with replacing(folder / name) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    written = [folder / name for name in tables]
    if account.money is not None and account.prices is not None:
        draw = partial(draw_value, account.money, account.prices, account.point)
        written += write_figure(draw, folder, "value", kinds)
    return written


def draw_value(money: Money, prices: Prices, point: Point) -> Figure:
    """Draw what sorting adds by threshold, with its interval, and by the price of metal."""
    figure = Figure(figsize=(PAGE, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    curve, currency = money.curve, prices.currency
    worst = min(money.gain.value, float(curve["gain"][0]))
    perfect = money.perfect.value - money.no_sorting.value
    left.fill_between(curve["threshold"], curve["gain_low"], curve["gain_high"], color=BLUE, alpha=0.2, linewidth=0)
    left.plot(curve["threshold"], curve["gain"], color=BLUE, label="sorted")
    left.axhline(0, color=GREY, linestyle="--", label="no sorting")
    left.axhline(perfect, color=GREEN, linestyle=":", label="perfect sorting")
    left.axvline(point.threshold, color=BLACK, linewidth=1, label="operating point")
    best = money.best_value.value - money.no_sorting.value
    left.plot([money.best_threshold], [best], "o", color=VERMILION, label="best, in hindsight")
    # what throws nearly all away is of no interest, and would hide the rest
    reach = max(abs(perfect), abs(worst), abs(best))
    left.set(xlabel="threshold", xlim=(0, 1), ylim=(-2 * reach, 1.3 * reach))
    rows = pd.DataFrame(money.sensitivity)
    for name, colour, style in (("value", BLUE, "-"), ("best_value", VERMILION, "-"), ("perfect", GREEN, ":")):
        label = {"value": "at this operating point", "best_value": "at each price's best", "perfect": "perfect sorting"}
        gain = rows[name] - rows["no_sorting"]
        right.plot(rows["metal_price"], gain, color=colour, linestyle=style, marker=".", label=label[name])
    right.axhline(0, color=GREY, linestyle="--", label="no sorting")
    right.axvline(prices.metal_price, color=BLACK, linewidth=1)
    right.set(xlabel=f"price of a tonne of metal, {currency}")
    for axes in (left, right):
        axes.set_ylabel(f"{currency} per tonne of feed, less no sorting")
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def _show_money(money: Money, prices: Prices) -> None:
    rows = {
        "sorted": money.value,
        "no sorting": money.no_sorting,
        "perfect sorting": money.perfect,
        "sorted less no sorting": money.gain,
        f"best, in hindsight, at {money.best_threshold:.3f}": money.best_value,
    }
    table = [
        {"value": name, "": f"{known.value:.2f}", f"{LEVEL:.0%} over scans": _ends(known, 1, 2)}
        for name, known in rows.items()
    ]
    title = (
        f"{prices.currency} per tonne of feed, metal at {prices.metal_price:g}, break-even {prices.break_even:.3f} wt %"
    )
    show(pd.DataFrame(table), title)
    for line in money.doubts:
        print(f"warning: {line}", file=sys.stderr)


def figure_text(figure: str, value: float) -> str:
    """Return a figure of an account as people read it: shares in per cent, grades in wt %, money as it is."""
    if figure in _NUMBERS:
        return f"{value:.3f}"
    return f"{value:.4f}" if figure in GRADES else f"{value:.2f}" if figure in _MONEY else f"{100 * value:.2f}"


def _between(figure: str, known: Interval) -> str:
    return (
        "" if not np.isfinite(known.low) else f"{figure_text(figure, known.low)} to {figure_text(figure, known.high)}"
    )


def _ends(known: Interval, size: float, digits: int) -> str:
    return "" if not np.isfinite(known.low) else f"{size * known.low:.{digits}f} to {size * known.high:.{digits}f}"
