"""A grade with its uncertainty: probabilities against the logistic distribution, the likelihood against scipy's."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import logistic
from zoo import NARROW, part

from oresort.errors import InputError
from oresort.models.build import build_model
from oresort.models.grade import GradeReading
from oresort.models.heads.head import p_ore


def spec(fusion: str) -> dict[str, Any]:
    return {"tower": NARROW, "fusion": part("fusion", fusion), "head": part("head", "linear")}


def reading(center: float = -2.0, spread: float = 1.5, cutoff: float = 0.1) -> GradeReading:
    one = GradeReading()
    for name, value in (("center", center), ("spread", spread), ("cutoff", math.log(cutoff))):
        getattr(one, name).fill_(value)
    return one


@settings(deadline=None, max_examples=50)
@given(st.floats(-4, 4), st.floats(-3, 3), st.floats(1e-3, 50), st.floats(0.2, 5))
def test_the_logits_are_the_share_above_the_cutoff_and_a_temperature_widens_it(m, r, cutoff, temperature):
    one = reading(cutoff=cutoff)
    outputs = torch.tensor([[m, r]])
    mean, scale = (float(part) for part in one.distribution(outputs))
    expected = logistic.sf(math.log(cutoff), mean, scale * temperature)
    assert float(p_ore(one(outputs), temperature)) == pytest.approx(expected, abs=1e-5)


def test_the_loss_is_the_logistic_likelihood_in_units_of_the_spread():
    one = reading()
    outputs, truth = torch.randn(20, 2), torch.randn(20) - 2
    mean, scale = (part.numpy() for part in one.distribution(outputs))
    expected = -logistic.logpdf(truth.numpy(), mean, scale) - math.log(1.5)
    assert one.losses(outputs, truth).numpy() == pytest.approx(expected, abs=1e-4)


def test_outputs_of_nothing_mean_what_is_known_without_a_look():
    mean, scale = reading().distribution(torch.zeros(1, 2))
    assert (float(mean), logistic.std(scale=float(scale))) == pytest.approx((-2, 1.5))


def test_a_higher_cutoff_is_never_likelier():
    outputs = torch.randn(50, 2)
    answers = [p_ore(reading(cutoff=c)(outputs), 1.0).numpy() for c in (0.01, 0.1, 0.3, 3)]
    assert (np.diff(answers, axis=0) <= 0).all()


def test_no_output_makes_the_loss_other_than_finite():
    one = reading()
    outputs = torch.tensor([[1e4, 1e4], [-1e4, -1e4], [0.0, -1e30]], requires_grad=True)
    losses = one.losses(outputs, torch.tensor([-2.0, 3.0, -9.0]))
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    assert torch.isfinite(outputs.grad).all()


def test_a_model_of_grades_has_the_weights_of_one_of_classes_and_logits_of_its_cutoff():
    plain, graded = build_model(spec("sum")), build_model({**spec("sum"), "grade": True})
    assert set(graded.state_dict()) - set(plain.state_dict()) == {
        f"reading.{n}" for n in ("center", "spread", "cutoff")
    }
    images = torch.rand(3, 1, 16, 16), torch.rand(3, 1, 16, 16)
    parts = graded.eval().parts(*images)
    assert torch.equal(graded(*images), graded.reading(parts.outputs))
    assert (parts.logits[:, 0] == 0).all()


def test_votes_of_several_heads_are_refused():
    with pytest.raises(InputError, match="joins votes of 2 heads"):
        build_model({**spec("mean"), "grade": True})
    with pytest.raises(InputError, match="grade='yes': give true or false"):
        build_model({**spec("sum"), "grade": "yes"})
