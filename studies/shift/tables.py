"""The study's tables: a row a shift, a column a model, a remedy or a way to carry the threshold."""

from collections.abc import Sequence

import pandas as pd

from studies.shift.answers import BY_BELT, BY_SCAN, Work
from studies.shift.score import Answered, Interval, best, interval
from studies.shift.settings import SAME, SHIFTS
from studies.shift.thresholds import WAYS, carried, thinned

POOR = 0.3  # share of ore of a belt that has half as much as the others
FIGURES = ("auroc", "balanced_accuracy")


class Answers:
    """Answers of models of some seeds, each with the threshold that is best on its own validation pairs."""

    def __init__(self, work: Work, seeds: Sequence[int]) -> None:
        self.work, self.seeds = work, list(seeds)

    def known(self, model: str) -> list[pd.DataFrame]:
        """Return the answers to the validation pairs, of each seed."""
        return [self.work.answers(model, seed, "val") for seed in self.seeds]

    def at(self, model: str, shift: str, remedy: str = "") -> list[Answered]:
        """Return the answers to a shift, of each seed."""
        found = [self.work.answers(model, seed, shift, remedy) for seed in self.seeds]
        return [Answered(one, best(home)) for one, home in zip(found, self.known(model), strict=True)]


def at_best(found: Sequence[Answered]) -> list[Answered]:
    """Return answers with the threshold that is best on them."""
    return [Answered(one.answers, best(one.answers)) for one in found]


def columns(name: str, found: Interval) -> dict[str, object]:
    """Return an interval as columns of a table."""
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def figures_table(made: Answers, models: Sequence[str]) -> pd.DataFrame:
    """Return `<figure> <model>` of AUROC and balanced accuracy, with intervals, and `best <model>`, of every shift."""
    rows = []
    for shift in SHIFTS:
        row: dict[str, object] = {"shift": shift}
        for model in models:
            found = made.at(model, shift)
            for figure in FIGURES:
                row |= columns(f"{figure} {model}", interval(figure, found))
            row[f"best {model}"] = interval("balanced_accuracy", at_best(found)).value
        rows.append(row)
    return pd.DataFrame(rows)


def lost_table(made: Answers, models: Sequence[str]) -> pd.DataFrame:
    """Return `<figure> <model>`, what each loses by a shift, in points, with intervals over scans."""
    rows = []
    for shift in [name for name in SHIFTS if name != SAME]:
        row: dict[str, object] = {"shift": shift}
        for model in models:
            pair = made.at(model, shift), made.at(model, SAME)
            for figure in FIGURES:
                row |= columns(f"{figure} {model}", interval(figure, *pair))
        rows.append(row)
    return pd.DataFrame(rows)


def normalised_table(made: Answers, model: str) -> pd.DataFrame:
    """Return `<figure> <remedy>` of a model as it is (`plain`), and normalised against belt's or scan's own curve."""
    rows = []
    for shift in SHIFTS:
        row: dict[str, object] = {"shift": shift}
        for remedy in ("", BY_BELT, BY_SCAN):
            found = made.at(model, shift, remedy)
            row |= {f"{figure} {remedy or 'plain'}": interval(figure, found).value for figure in FIGURES}
        rows.append(row)
    return pd.DataFrame(rows)


def thresholds_table(made: Answers, model: str) -> pd.DataFrame:
    """Return the balanced accuracy of each way to carry the threshold, on usual and on `poor` belts; the mean last."""
    rows = []
    for shift in SHIFTS:
        usual = made.at(model, shift)
        poor = [
            Answered(thinned(one.answers, POOR, seed), one.threshold)
            for seed, one in zip(made.seeds, usual, strict=True)
        ]
        row: dict[str, object] = {"shift": shift}
        for prefix, found in (("", usual), ("poor, ", poor)):
            for way in WAYS:
                own = [
                    Answered(one.answers, carried(way, one.threshold, home, one.answers))
                    for one, home in zip(found, made.known(model), strict=True)
                ]
                row[prefix + way] = interval("balanced_accuracy", own).value
            row[prefix + "best"] = interval("balanced_accuracy", at_best(found)).value
        rows.append(row)
    table = pd.DataFrame(rows)
    means = table.drop(columns="shift").mean().to_dict()
    return pd.concat([table, pd.DataFrame([{"shift": "mean", **means}])], ignore_index=True)
