"""Minutes of a run are those of all its sittings, and say what they were spent on."""

import math
from pathlib import Path

import pytest
import torch

from oresort.errors import InputError
from oresort.files.provenance import processor
from oresort.learn.clock import SPENT, Clock, spent_in

CPU = torch.device("cpu")


def test_sittings_add_up_by_device():
    first = Clock({})
    assert first.spent() == {}  # nothing has been trained
    first.begin(CPU, 1)
    (name, seconds), *_ = first.spent().items()
    assert name == f"{processor()}, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}"
    assert 0 <= seconds < 5
    again = Clock({name: 1000.0, "a GPU": 500.0})
    again.begin(CPU, 1)
    row = again.row()
    assert row["device"] == f"{name} + a GPU"
    assert 1500 <= float(row["fit_seconds"]) < 1505
    both = Clock({})
    both.begin(CPU, 2)
    assert list(both.spent()) == [f"{name} x 2"]


def test_what_a_checkpoint_does_not_say_is_not_known():
    clock = Clock(spent_in(Path("last.ckpt"), {}))
    clock.begin(CPU, 1)
    assert "fit_seconds" not in clock.row()
    assert str(clock.row()["device"]).startswith("unknown + ")
    for nonsense in ([1.0], {"a": "long"}, {"a": -1.0}, {3: 1.0}):
        with pytest.raises(InputError, match=r"last\.ckpt: spent says no seconds"):
            spent_in(Path("last.ckpt"), {SPENT: nonsense})
    known = spent_in(Path("last.ckpt"), {SPENT: {"unknown": math.nan, "a": 1.0}})
    assert known is not None
    assert known["a"] == 1.0
