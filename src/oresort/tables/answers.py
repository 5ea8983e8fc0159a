"""What a model answered of a split, wherever that lies: in a run's folder, in a table, or still in a checkpoint."""

from pathlib import Path
from typing import Any, NamedTuple

from oresort.console.extras import needing
from oresort.console.show import leakage
from oresort.errors import InputError
from oresort.files.layout import SPLITS
from oresort.files.reading import present, read_json
from oresort.learn.record import PREDICTIONS, RECORD, read_predictions, read_row
from oresort.sorting.probability import check_threshold
from oresort.tables.bootstrap import Run

EVALUATION = "evaluation.json"
"""What `oresort.evaluate` leaves beside its `PREDICTIONS`."""

_BEST = Path("checkpoints", "best.ckpt")


class Answers(NamedTuple):
    """One model's answers."""

    name: str  # as it was asked for
    run: Run
    origin: str  # file that they are from
    note: str = ""  # what makes its figures too good; mostly nothing


class Source(NamedTuple):
    """Where labelled pairs are, for models that are still to be asked, and how to ask them."""

    root: str | None = None
    cache: str | None = None
    follow_links: bool = False
    device: str = "auto"


def answers_of(name: str, split: str, source: Source, threshold: float | None = None) -> Answers:
    """Return what a model answered of `split`, with its own threshold or the one given.

    `name` is the folder of a run or of an evaluation, a table such as they hold, or a checkpoint. With a dataset in
    `source` a run's best checkpoint is asked, without one its own predictions count.

    Raises:
        InputError: nothing there, something else, a checkpoint without a dataset, no row of the split, or no
            threshold.
    """
    path = Path(name)
    best = path / _BEST
    if path.is_dir() and not (source.root and best.is_file()):
        if not present(path / PREDICTIONS):
            more = ", or data.root=DIR to ask its checkpoint" if best.is_file() else ""
            raise InputError(f"{name}: no {PREDICTIONS} in it; give the folder of a finished run{more}")
        path = path / PREDICTIONS
    if path.suffix.lower() == ".csv":
        return _read(name, path, split, threshold)
    return _asked(name, split, source, threshold)


def _asked(name: str, split: str, source: Source, threshold: float | None) -> Answers:
    if Path(name).suffix.lower() == ".onnx":
        raise InputError(f"{name}: an exported model; give the checkpoint that it is from")
    if not Path(name).exists():
        raise InputError(f"{name}: no such file; give a run's folder, a checkpoint or a {PREDICTIONS}")
    if source.root is None:
        raise InputError(f"{name}: a checkpoint, which has yet to answer; give labelled pairs as data.root=DIR")
    with needing(f"{name}: a checkpoint; {PREDICTIONS} need no torch"):
        from oresort.learn.evaluation import evaluate_checkpoint

    found = evaluate_checkpoint(
        *(name, source.root, split),
        device=source.device,
        threshold=threshold,
        cache=source.cache,
        follow_links=source.follow_links,
    )
    return Answers(name, Run(found.predictions, found.threshold), f"{name} on {source.root}")


def _read(name: str, file: Path, split: str, threshold: float | None) -> Answers:
    row: dict[str, Any] = {}
    note = ""
    record, evaluation = file.parent / RECORD, file.parent / EVALUATION
    own = file.name == PREDICTIONS  # a table of another name is of something else than what lies beside it
    if own and present(record):
        row = read_row(record)
        if row["status"] != "finished":
            raise InputError(f"{name}: a run that is {row['status']}; finish it by resume={file.parent}")
        note = leakage(row.get("leaking_scans"), row.get("leaking_images"))
    elif own and present(evaluation):
        content = read_json(evaluation, "evaluate again")
        row = content if isinstance(content, dict) else {}
    if threshold is None:
        if "threshold" not in row:
            raise InputError(f"{name}: no {RECORD} or {EVALUATION} beside it tells its threshold; give threshold=0.5")
        if not isinstance(row["threshold"], int | float):
            raise InputError(f"{evaluation}: threshold {row['threshold']!r} is no number; evaluate again")
        threshold = check_threshold(row["threshold"], f"{name}: threshold")
    counts = {key: value for key, value in row.items() if key in {f"pairs/{side}" for side in SPLITS}}
    return Answers(name, Run(read_predictions(file, counts, split), threshold), str(file), note)
