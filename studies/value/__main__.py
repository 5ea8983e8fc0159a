"""The command `python -m studies.value`, see `studies.value.settings`."""

import pandas as pd

from oresort.errors import InputError
from oresort.sorting.prices import load_prices
from studies.command import run_study, save
from studies.value.draw import draw_points, draw_prices
from studies.value.settings import Options
from studies.value.tables import of_associations, of_labels, of_points, of_prices


def study(options: Options) -> pd.DataFrame:
    """Make what is missing, write tables and pictures, and return what sorting adds by association."""
    prices = load_prices(options.prices)
    if prices.metal_price not in options.metal_prices:
        raise InputError(f"metal_prices: without the {prices.metal_price:g} of {options.prices}; add it")
    if not options.seeds or options.test in options.seeds:
        raise InputError(f"seeds, test={options.test}: give a seed or more, and another for the test")
    table = of_prices(options, prices)
    associations = of_associations(table, prices.metal_price)
    save(options.out, {"price.csv": table, "association.csv": associations, "price.png": draw_prices(table, prices)})
    points, slopes = of_points(options, prices)
    seeds, labels = of_labels(options, prices)
    tables = {"points.csv": points, "point.csv": slopes, "seeds.csv": seeds, "labels.csv": labels}
    save(options.out, {**tables, "points.png": draw_points(points, seeds, prices)})
    return associations


if __name__ == "__main__":
    run_study(Options, study)
