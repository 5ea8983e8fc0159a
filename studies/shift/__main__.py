"""What do another sorter, another feed and another mine do to a model, and what gives it back?

    python -m studies.shift work=runs/shift

Simulates, trains and classifies what is missing in `work`, and may be interrupted. It writes `figures.csv` (a row for
each shift), `lost.csv` (against the unshifted data), `normalised.csv`, `thresholds.csv` and `shift.png`.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from omegaconf import MISSING

from oresort.errors import InputError
from studies.command import run_study, save
from studies.shift.answers import Work
from studies.shift.draw import draw
from studies.shift.settings import MODELS
from studies.shift.tables import Answers, figures_table, lost_table, normalised_table, thresholds_table


@dataclass
class Options:
    """Keys of the command."""

    work: Path = MISSING  # folder of datasets, runs and answers
    out: Path = Path("experiments/shift")  # folder for tables and figure
    seeds: list[int] = field(default_factory=lambda: [300, 301, 302])  # of simulation and training
    models: list[str] = field(
        default_factory=lambda: list(MODELS)
    )  # e.g. [lite,gradient boosting]; the first is studied
    pairs: int = 4000  # to learn from, validation and test included
    shifted: int = 640  # pairs of each shifted dataset, all for the test
    apart: int = 3  # seeds of the shifted datasets are those of training plus this


def study(options: Options) -> pd.DataFrame:
    """Run what is missing, write tables and picture, and return what each model loses."""
    if unknown := set(options.models) - set(MODELS):
        raise InputError(f"models: unknown {min(unknown)!r}; known are {', '.join(MODELS)}")
    work = Work(options.work, options.pairs, options.shifted, options.apart)
    made, models = Answers(work, options.seeds), options.models
    figures, lost = figures_table(made, models), lost_table(made, models)
    tables = {"figures.csv": figures, "lost.csv": lost, "thresholds.csv": thresholds_table(made, models[0])}
    if MODELS[models[0]].words:
        tables["normalised.csv"] = normalised_table(made, models[0])
    save(options.out, {**tables, "shift.png": draw(figures, models)}, "%.2f")
    return lost[["shift", *(f"auroc {model}" for model in models)]]


if __name__ == "__main__":
    run_study(Options, study)
