"""Percentiles by one sort are those of numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oresort.scan.calibrate.order import ordered, percentile


@given(st.integers(1, 40), st.integers(0, 2), st.floats(0, 100, width=32), st.integers(0, 99))
def test_they_are_those_of_numpy(count: int, axis: int, percent: float, seed: int):
    shape = [2, 3, 2]
    shape[axis] = count
    values = np.random.default_rng(seed).integers(0, 9, shape).astype(np.float32)
    before = values.copy()
    found = percentile(ordered(values, axis), percent)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.percentile(values, percent, axis=axis), atol=1e-4)
    np.testing.assert_array_equal(percentile(ordered(values, axis), 50), np.median(values, axis=axis))
    np.testing.assert_array_equal(values, before)


def test_a_nan_is_not_hidden_where_it_counts():
    values = np.array([[1, np.nan, 2]], np.float32)
    assert np.isnan(percentile(ordered(values, 1), 100)).all()
    assert percentile(ordered(values, 1), 0) == pytest.approx(1)
