"""A threshold carried to another belt: known answers where the truth is known, and no move without evidence."""

import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.sorting.transfer import EVIDENCE, transfer_threshold

Answers = tuple[NDArray[np.float64], NDArray[np.int64]]


def belt(seed: int, count: int, share: float, scale: float = 1.0, shift: float = 0.0) -> Answers:
    """Answers of a model that knows ore from waste well, of a belt with so much ore on another sorter."""
    rng = np.random.default_rng(seed)
    label = (rng.random(count) < share).astype(np.int64)
    logit = rng.normal(np.where(label == 1, 2.0, -1.5), np.where(label == 1, 1.2, 1.0))
    return 1 / (1 + np.exp(-(scale * logit + shift))), label


KNOWN = belt(0, 800, 0.6)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("seed", [1, 2])
def test_more_or_less_ore_alone_does_not_move_the_threshold(share: float, seed: int):
    new, label = belt(seed, 700, share)
    found = transfer_threshold(0.55, *KNOWN, new)
    assert found.threshold == 0.55
    assert found.ore == pytest.approx(label.mean(), abs=0.05)
    assert found.evidence < EVIDENCE


@pytest.mark.parametrize("share", [0.2, 0.6, 0.85])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 2.0), (0.6, 0.0), (0.7, -1.5), (1.4, 1.0)])
def test_answers_that_are_moved_and_stretched_take_the_threshold_along(share: float, scale: float, shift: float):
    new, label = belt(3, 1500, share, scale, shift)
    found = transfer_threshold(0.5, *KNOWN, new)
    assert found.threshold == pytest.approx(1 / (1 + np.exp(-shift)), abs=0.1)  # the logit was 0
    assert found.ore == pytest.approx(label.mean(), abs=0.06)
    assert (found.scale, found.shift) == pytest.approx((scale, shift), abs=0.35)

    def right(threshold: float) -> float:
        called = new >= threshold
        return (called[label == 1].mean() + (~called[label == 0]).mean()) / 2

    assert right(found.threshold) > right(1 / (1 + np.exp(-shift))) - 0.015
    # the share above the threshold, which others keep, would be off by as much as the ore is
    kept = float(np.quantile(new, (KNOWN[0] < 0.5).mean()))
    if abs(share - 0.6) > 0.3:
        assert right(found.threshold) > right(kept) + 0.05


@pytest.mark.parametrize("ore", [0, 1])
def test_a_belt_of_one_class_tells_nothing(ore: int):
    new, _ = belt(4, 400, float(ore), 1.0, 3.0 if ore == 0 else -3.0)
    found = transfer_threshold(0.5, *KNOWN, new)
    assert found.threshold == 0.5 or 0.02 <= found.ore <= 0.98
    same, _ = belt(5, 400, float(ore))
    assert transfer_threshold(0.5, *KNOWN, same).threshold == 0.5


@given(st.floats(0.02, 0.98), st.integers(0, 50))
@settings(max_examples=10, deadline=None)
def test_the_belt_of_validation_itself_changes_nothing(threshold: float, seed: int):
    order = np.random.default_rng(seed).permutation(len(KNOWN[0]))
    found = transfer_threshold(threshold, *KNOWN, KNOWN[0][order])
    assert found.threshold == threshold
    assert 0 <= found.threshold <= 1


def test_answers_at_the_ends_and_a_long_belt_are_taken():
    new, _ = belt(6, 9000, 0.5)
    new[:50], new[50:100] = 0.0, 1.0
    found = transfer_threshold(0.5, *KNOWN, new.astype(np.float32))
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("known", "new", "expected"),
    [
        (KNOWN, np.full(30, 0.5), "30 particles of the belt are too few"),
        ((KNOWN[0][:60], np.ones(60, int)), KNOWN[0], "0 particles of waste on validation"),
        (KNOWN, np.full(90, np.nan), "nan for particle 0 is not a probability"),
    ],
)
def test_what_cannot_be_compared_is_refused(known: Answers, new: NDArray[np.float64], expected: str):
    with pytest.raises(InputError, match=expected):
        transfer_threshold(0.5, *known, new)


def test_the_lines_of_the_docs_carry_a_threshold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[2] / "docs" / "shift.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    answers = {"run/predictions.csv": (KNOWN, "val"), "sorted/decisions.csv": (belt(3, 900, 0.3, 1, 2), "")}
    for name, ((p_ore, label), split) in answers.items():
        file = tmp_path / name
        file.parent.mkdir()
        pd.DataFrame({"p_ore": p_ore, "label": np.where(label, "ore", "waste"), "split": split}).to_csv(file)
    names: dict[str, Any] = {}
    exec(textwrap.dedent(block), names)
    assert names["found"].threshold == pytest.approx(1 / (1 + np.exp(-2)), abs=0.08)
