"""Where do models look: inside the particles, as the paper says of its own, or at their outlines?

    python -m studies.look work=runs/look

Simulates, trains and explains what is missing in `work`, and may be interrupted. It writes `shares.csv` (a row for each
model, its weights or a control's, map and region), `inside.csv` (the share inside beside its controls),
`faithfulness.csv`, `sensitivity.csv` and `look.png`.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from omegaconf import MISSING

from oresort.errors import InputError
from oresort.files.reading import read_mapping
from oresort.learn.run import finished
from studies import command
from studies.look.draw import draw
from studies.look.settings import MODELS
from studies.look.tables import inside_table, table_of


@dataclass
class Options:
    """Keys of the command."""

    work: Path = MISSING  # folder of the dataset, runs and looks
    out: Path = Path("experiments/look")  # folder for tables and figure
    seed: int = 300  # of simulation
    pairs: int = 4000  # of the dataset
    models: list[str] = field(default_factory=lambda: list(MODELS))  # e.g. [lite]
    words: list[str] = field(default_factory=list)  # more words of `explain`, e.g. [pairs=50]


def study(options: Options) -> pd.DataFrame:
    """Run what is missing, write tables and picture, and return the shares inside."""
    if unknown := set(options.models) - set(MODELS):
        raise InputError(f"models: unknown {min(unknown)!r}; known are {', '.join(MODELS)}")
    data = options.work / f"data_{options.seed}"
    if not data.is_dir():
        command.oresort("simulate", f"out={data}", f"seed={options.seed}", f"pairs={options.pairs}")
    records = {}
    for name in options.models:
        run = options.work / "runs" / name.replace(", ", "_").replace(" ", "_")
        place = (f"data.root={data}", f"data.cache={options.work / 'cache'}")
        row = finished(run)
        if not row:
            shutil.rmtree(run, ignore_errors=True)  # of an interrupted run
            words = (*MODELS[name].train, *place, "trainer.enable_progress_bar=false", f"out={run}")
            command.oresort("train", *words)
            row = finished(run)
        if not (run / "explain" / "explain.json").is_file():
            command.oresort("explain", f"ckpt={run}", *place, "gallery=2", *MODELS[name].explain, *options.words)
        if row is None:
            raise InputError(f"{run}: its training did not finish; remove it, and it is trained again")
        record = read_mapping(run / "explain" / "explain.json", "remove it, and it is made again")
        records[name] = {**record, "auroc": row["test/auroc"]}
    shares = table_of(records, "shares")
    tables = {name: table_of(records, name) for name in ("faithfulness", "sensitivity")}
    inside = inside_table(records)
    command.save(
        options.out, {"shares.csv": shares, "inside.csv": inside, **{f"{n}.csv": t for n, t in tables.items()}}
    )
    command.save(options.out, {"look.png": draw(shares, tables["sensitivity"])})
    return inside


if __name__ == "__main__":
    command.run_study(Options, study)
