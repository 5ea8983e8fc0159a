"""Counts of transmission and attenuation of counts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oresort.xray.transmission import FULL_SCALE, attenuation, counts_of


def test_counts_are_whole_and_stop_at_full_scale():
    transmission = np.array([[-0.1, 0, 1e-6, 0.50001, 1, 1.2, 40]], np.float32)
    found = counts_of(transmission, 60_000.0)
    assert found.dtype == np.uint16
    assert found.tolist() == [[0, 0, 0, 30_001, 60_000, FULL_SCALE, FULL_SCALE]]


@given(st.integers(1, FULL_SCALE), st.floats(1_000, 60_000))
def test_counts_come_back_through_transmission(count, air):
    transmission = np.full((3, 5), count / air, np.float32)
    assert (counts_of(transmission, air) == count).all()
    np.testing.assert_allclose(attenuation(np.full(2, count), air), np.log(air / count), atol=1e-5)
