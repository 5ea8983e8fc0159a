"""What do another sorter, another feed and another mine do to a model, and what gives it back?

    python -m studies.shift work=runs/shift

Simulates, trains and classifies what is missing in `work`, and may be interrupted. It writes `models.csv` (a row for
each model and shift), `lost.csv` (against the unshifted data), `remedies.csv`, `thresholds.csv` and `shift.png`.
"""

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pandas as pd
from omegaconf import MISSING

from oresort.errors import InputError
from studies.command import run_study, save
from studies.shift.answers import BY_BELT, BY_SCAN, Work
from studies.shift.draw import draw
from studies.shift.score import Answered, best, columns, interval
from studies.shift.settings import MODELS, SAME, SHIFTS
from studies.shift.thresholds import WAYS, carried, thinned

POOR = 0.3  # share of ore of a belt that has half as much as the others


@dataclass
class Options:
    """Keys of the command."""

    work: Path = MISSING  # folder of datasets, runs and answers
    out: Path = Path("experiments/shift")  # folder for tables and figure
    seeds: list[int] = field(default_factory=lambda: [300, 301, 302])  # of simulation and training
    models: list[str] = field(default_factory=lambda: list(MODELS))  # e.g. [lite,gradient boosting]
    pairs: int = 4000  # to learn from, validation and test included
    shifted: int = 640  # pairs of each shifted dataset, all for the test
    epochs: int = 12  # of the networks
    apart: int = 3  # seeds of the shifted datasets are those of training plus this


class Study:
    """Answers of all models of some seeds, each with its own threshold."""

    def __init__(self, options: Options) -> None:
        given = (options.work, options.pairs, options.shifted, options.epochs, options.apart)
        self.work, self.seeds, self.models = Work(*given), options.seeds, options.models

    def at(self, model: str, shift: str, remedy: str = "") -> list[Answered]:
        """Return the answers of a model to a shift, of each seed, at the threshold chosen on its own validation."""
        known = [best(self.work.answers(model, seed, "val")) for seed in self.seeds]
        found = [self.work.answers(model, seed, shift, remedy) for seed in self.seeds]
        return [Answered(*one) for one in zip(found, known, strict=True)]

    def figures(self, model: str, shift: str, remedy: str = "") -> dict[str, float]:
        """Return AUROC and balanced accuracy, at the threshold from home and at the best there is."""
        found = self.at(model, shift, remedy)
        ideal = [Answered(one.answers, best(one.answers)) for one in found]
        return {
            **columns("auroc", interval("auroc", found)),
            **columns("balanced_accuracy", interval("balanced_accuracy", found)),
            "best": interval("balanced_accuracy", ideal).value,
        }

    def models_table(self) -> pd.DataFrame:
        """Return the figures of each model on each shift."""
        pairs = product(self.models, SHIFTS)
        return pd.DataFrame([{"model": model, "shift": shift, **self.figures(model, shift)} for model, shift in pairs])

    def lost_table(self) -> pd.DataFrame:
        """Return what each model loses by each shift, in points, with intervals over scans."""
        rows = []
        for model in self.models:
            for shift in SHIFTS:
                if shift == SAME:
                    continue
                pair = self.at(model, shift), self.at(model, SAME)
                found = {name: interval(name, *pair) for name in ("auroc", "balanced_accuracy")}
                row: dict[str, object] = {"model": model, "shift": shift}
                for name, one in found.items():
                    row |= columns(name, one)
                rows.append(row)
        return pd.DataFrame(rows)

    def remedies_table(self) -> pd.DataFrame:
        """Return the figures of `lite` as it is, and with each remedy."""
        ways = {"as it is": ("lite", ""), "wide augmentation": ("lite, wide augmentation", "")}
        ways |= {remedy: ("lite", remedy) for remedy in (BY_BELT, BY_SCAN)}
        return pd.DataFrame(
            [
                {"remedy": name, "shift": shift, **self.figures(model, shift, remedy)}
                for name, (model, remedy) in ways.items()
                if model in self.models
                for shift in SHIFTS
            ]
        )

    def thresholds_table(self) -> pd.DataFrame:
        """Return the balanced accuracy of each way to carry a threshold, on belts of usual and of poor ore."""
        rows = []
        for model in [name for name in ("lite", "lite, wide augmentation") if name in self.models]:
            known = [self.work.answers(model, seed, "val") for seed in self.seeds]
            for shift in SHIFTS:
                usual = self.at(model, shift)
                poor = [
                    Answered(thinned(one.answers, POOR, seed), one.threshold)
                    for seed, one in zip(self.seeds, usual, strict=True)
                ]
                for belt, found in (("usual", usual), ("poor", poor)):
                    row: dict[str, object] = {"model": model, "belt": belt, "shift": shift}
                    for way in WAYS:
                        cuts = [
                            carried(way, one.threshold, home, one.answers)
                            for one, home in zip(found, known, strict=True)
                        ]
                        own = [Answered(one.answers, cut) for one, cut in zip(found, cuts, strict=True)]
                        row[way] = interval("balanced_accuracy", own).value
                    ideal = [Answered(one.answers, best(one.answers)) for one in found]
                    rows.append(row | {"best": interval("balanced_accuracy", ideal).value})
        return pd.DataFrame(rows)


def study(options: Options) -> pd.DataFrame:
    """Run what is missing, write tables and picture, and return what each model loses."""
    if unknown := set(options.models) - set(MODELS):
        raise InputError(f"models: unknown {min(unknown)!r}; known are {', '.join(MODELS)}")
    made = Study(options)
    models, lost = made.models_table(), made.lost_table()
    tables = {"models.csv": models, "lost.csv": lost}
    if "lite" in options.models:
        tables |= {"remedies.csv": made.remedies_table(), "thresholds.csv": made.thresholds_table()}
    save(options.out, {**tables, "shift.png": draw(models)}, "%.2f")
    return lost[["model", "shift", "auroc", "balanced_accuracy"]]


if __name__ == "__main__":
    run_study(Options, study)
