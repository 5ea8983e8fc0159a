"""What several groups of faults share: where things lie, how they are changed, what is true after."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from faults.harness import End
from pandas.testing import assert_frame_equal

# figures are most of the work, and say nothing of what was read
EVALUATE = "evaluate ckpt=run data.root=set out=e figures=[]"
BEST = "run/checkpoints/best.ckpt"


def test_pair(here: Path) -> Path:
    """The folder of the first pair of the test split."""
    table = pd.read_csv(here / "run/predictions.csv", dtype=str)
    return here / "set" / table.loc[table["split"] == "test", "id"].iloc[0]


test_pair.__test__ = False  # type: ignore[attr-defined]  # no test, whatever its name


def same_predictions(here: Path, _: End) -> None:
    """What `evaluate out=e` found is what the run found, to the bit."""
    same_tables(here / "e/predictions.csv", here / "judged/predictions.csv")


def same_decisions(here: Path, _: End) -> None:
    """What `sort out=s` decided is what it decided of the sound scan."""
    same_tables(here / "s/decisions.csv", here / "sorted/decisions.csv")


def same_tables(one: Path, other: Path) -> None:
    """Two tables hold the same, to the bit."""
    assert_frame_equal(pd.read_csv(one), pd.read_csv(other))


def finished(here: Path, run: str = "cut") -> None:
    """A run has ended, as one that nothing disturbed ended."""
    found, whole = (json.loads((here / name / "metrics.json").read_text()) for name in (run, "run"))
    assert found["status"] == "finished"
    figures = [key for key in whole if key.startswith(("val/", "test/"))]
    assert {key: found[key] for key in figures} == {key: whole[key] for key in figures}
    same_tables(here / run / "predictions.csv", here / "run/predictions.csv")


def change_json(file: Path, **changes: Any) -> None:
    """Set entries of a JSON file; None removes one, and a function changes it."""
    content = json.loads(file.read_text())
    for key, value in changes.items():
        if value is None:
            del content[key]
        else:
            content[key] = value(content[key]) if callable(value) else value
    file.write_text(json.dumps(content))


def change_checkpoint(file: Path, change: Any) -> None:
    """Load a checkpoint, let a function change it, and write what it returns, or else the same again."""
    content = torch.load(file, weights_only=True)
    torch.save(change(content) or content, file)


class Touches:
    """Unpickled, it makes a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("touched"),)


def in_checkpoint(change: Callable[[dict[str, Any]], object], file: str = BEST) -> Callable[[Path], None]:
    """Change a checkpoint of the world, see `change_checkpoint`."""
    return lambda here: change_checkpoint(here / file, change)


def in_bytes(file: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Change the bytes of a file."""
    return lambda here: (here / file).write_bytes(change((here / file).read_bytes())) and None


def text(file: str, content: str) -> Callable[[Path], None]:
    """Put text in a file's place."""
    return lambda here: (here / file).write_text(content) and None


def pickled(content: object) -> Callable[[Path], None]:
    """Put a pickle in the best checkpoint's place."""
    return lambda here: (here / BEST).write_bytes(pickle.dumps(content)) and None
