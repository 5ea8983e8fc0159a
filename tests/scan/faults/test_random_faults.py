"""Faults drawn at random, one or two at a time: none changes a scan without a word."""

import numpy as np
import pytest
from breaking import Patch, dip, drift, together
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from judge import run, verdict
from sound import BELT, SIZE, layers
from variants import Variant

HEIGHT, WIDTH = SIZE["height"], SIZE["width"]
KINDS = ("zero", "floor", "air", "full", "frozen", "flicker", "noise", "x0.6", "x0.8", "x1.1")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    low, high = layers()
    return low, high, run(folder, low, high), folder


def spans(end, widths):
    """Draw a span of one of these widths from 0 to `end`."""
    return st.sampled_from(widths).flatmap(
        lambda width: st.integers(0, end - width).map(lambda start: slice(start, start + width))
    )


columns = spans(WIDTH, (1, 2, 3, 5, 6, 10, 16, 40, 64, 128, 200))
lines = spans(HEIGHT, (1, 2, 3, 5, 10, 30))
kinds, where = st.sampled_from(KINDS), st.sampled_from(("low", "high", "both"))
patches = st.one_of(
    st.builds(Patch, kinds, where, st.none(), columns),  # dead columns, modules
    st.builds(Patch, kinds, where, st.integers(30, HEIGHT - 30).map(lambda line: slice(line, HEIGHT)), columns),
    st.builds(Patch, kinds, where, lines),  # lost lines
    st.builds(Patch, kinds, where, lines, columns),  # lost packets
)
courses = st.one_of(
    st.builds(dip, st.floats(0.6, 1.1), lines),
    st.builds(drift, st.floats(0.85, 1.0), st.floats(0.85, 1.0), where),
)


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(patches, min_size=1, max_size=2), st.none() | courses, st.booleans(), st.integers(0, 99))
def test_no_fault_changes_a_scan_without_a_word(sound, found, course, known, seed):
    low, high, clean, folder = sound
    breaker = together(*found, *([course] if course else []))
    broken = breaker(low, high, BELT, np.random.default_rng(seed))
    result = run(folder, *broken, clean.calibration if known else None)
    word, wrong = verdict(Variant("drawn", breaker), "any", clean, result)
    assert word in ("right", "named", "refused"), f"{word}: {'; '.join(wrong)}; {found} {course} {known} {seed}"
