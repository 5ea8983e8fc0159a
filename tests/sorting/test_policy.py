"""What the policy does with particles that cannot be judged as others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.scan.segment.particle import FLAGS, Particle
from oresort.sorting.policy import Policy

MASK = np.ones((3, 4), np.bool_)
WORDS = st.sampled_from(["keep", "drop", "decide"])


def particle(**flags: bool) -> Particle:
    return Particle(0, 0, 4, 3, flags.pop("clipped", False), MASK, **flags)


def one(policy: Policy, p: float, **flags: bool) -> tuple[str, str]:
    decisions, reasons = policy(np.array([p], np.float32), 0.5, [particle(**flags)])
    return decisions[0], reasons[0]


def test_particles_without_flags_are_decided_on_by_the_threshold():
    for p, word in ((0.49, "waste"), (0.5, "ore"), (1.0, "ore")):
        assert one(Policy(), p) == (word, "threshold")


@pytest.mark.parametrize("kind", ["faulty", "clipped", "touching"])
def test_each_kind_follows_its_own_key(kind: str):
    for word, decision in (("keep", "ore"), ("drop", "waste")):
        for p in (0.1, 0.9):
            assert one(Policy(**{kind: word}), p, **{kind: True}) == (decision, f"policy:{kind}")
    for p, decision in ((0.1, "waste"), (0.9, "ore")):
        assert one(Policy(**{kind: "decide"}), p, **{kind: True}) == (decision, "threshold")


def test_a_particle_near_the_threshold_is_unsure():
    policy = Policy(unsure="drop", band=0.1)
    assert [one(policy, p)[1] for p in (0.39, 0.45, 0.55, 0.61)] == [
        "threshold", "policy:unsure", "policy:unsure", "threshold"
    ]  # fmt: skip
    assert one(policy, 0.55)[0] == "waste"
    assert one(Policy(unsure="drop"), 0.5) == ("ore", "threshold")  # without a band nothing is unsure


def test_the_gravest_kind_counts():
    assert one(Policy(faulty="drop", clipped="keep"), 0.9, faulty=True, clipped=True) == ("waste", "policy:faulty")
    assert one(Policy(faulty="decide", clipped="keep"), 0.1, faulty=True, clipped=True) == ("ore", "policy:clipped")


def test_what_was_mended_or_parted_is_judged_as_others():
    policy = Policy("drop", "drop", "drop", "drop")
    assert one(policy, 0.9, mended=True, parted=True) == ("ore", "threshold")


@given(
    st.lists(st.tuples(st.floats(0, 1, width=32), st.sets(st.sampled_from(FLAGS))), max_size=8),
    st.builds(Policy, faulty=WORDS, clipped=WORDS, touching=WORDS, unsure=WORDS, band=st.floats(0, 1)),
    st.floats(0, 1),
)
def test_reasons_say_why(found, policy, threshold):
    p_ore = np.array([p for p, _ in found], np.float32)
    particles = [particle(**dict.fromkeys(flags, True)) for _, flags in found]
    for p, part, word, reason in zip(p_ore, particles, *policy(p_ore, threshold, particles), strict=True):
        kind = reason.removeprefix("policy:")
        if kind == "threshold":
            assert word == ("ore" if p >= np.float32(threshold) else "waste")
        else:
            assert word == {"keep": "ore", "drop": "waste"}[getattr(policy, kind)]
            assert kind == "unsure" or getattr(part, kind)


def test_nonsense_is_refused():
    for key in ("faulty", "clipped", "touching", "unsure"):
        with pytest.raises(InputError, match=f"{key}=maybe: unknown; known are keep, drop, decide"):
            Policy(**{key: "maybe"})
    for band in (-0.1, 1.1, np.nan):
        with pytest.raises(InputError, match="band="):
            Policy(band=band)
