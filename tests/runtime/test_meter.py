"""How late decisions were, in memory that does not grow."""

import numpy as np
import pytest

from oresort.runtime.stream.meter import Meter, Spread


def test_shares_of_times_are_known_to_two_percent_and_the_worst_exactly():
    times, spread = np.random.default_rng(0).lognormal(-4, 1, 20_000), Spread()
    assert spread.within(0.5) is None
    for part in np.array_split(times, 7):
        spread.add(part.tolist())
    for share in (0.01, 0.5, 0.99):
        assert spread.within(share) == pytest.approx(float(np.quantile(times, share)), rel=0.03)
    assert spread.worst == times.max()


def test_no_share_is_later_than_the_worst():
    spread = Spread()
    spread.add([0.0101])
    assert spread.within(0.5) == spread.within(0.99) == spread.worst == 0.0101


def test_the_belts_delay_and_the_computers_are_kept_apart():
    meter = Meter()
    meter.add_decisions([0.02, 0.03], 0.004, 1, 0)
    meter.add_decisions([], 0.1, 0, 0)
    assert (meter.particles, meter.kept) == (2, 1)
    assert (meter.delays.worst, meter.computing.worst) == (0.03, 0.004)
    assert meter.rates(0).latency_median == pytest.approx(25.0)
