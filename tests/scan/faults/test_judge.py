"""The judge itself can fail: what is silently wrong is called so."""

from dataclasses import replace

import numpy as np
import pytest
from breaking import Patch
from judge import differs, moved, run, silent, verdict
from sound import BELT, layers
from variants import Variant

from oresort.scan.fault import Fault


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return run(tmp_path_factory.mktemp("sound"), *layers())


def changed(clean, index, **particle):
    cuts = list(clean.cuts)
    cuts[index] = cuts[index]._replace(particle=replace(cuts[index].particle, **particle))
    return replace(clean, cuts=cuts)


def darker(clean, index, layer="high", **flags):
    """Return a run in which one particle's layer is 5 % darker."""
    cuts = list(clean.cuts)
    crop = np.rint(getattr(cuts[index], layer) * 0.95).astype(np.uint16)
    particle = replace(cuts[index].particle, **flags)
    cuts[index] = cuts[index]._replace(**{layer: crop, "particle": particle})
    return replace(clean, cuts=cuts)


def test_a_scan_is_like_itself_and_like_one_with_other_noise(clean, tmp_path):
    assert silent(clean, clean) == []
    other = run(tmp_path, *layers(seed=7))
    assert silent(clean, other) == []
    assert all(not differs(*pair, clean.level, other.level) for pair in zip(clean.cuts, other.cuts, strict=True))


def test_what_is_lost_new_or_changed_is_silent_unless_it_is_flagged_or_named(clean):
    fault = Fault("both", "dead", None, slice(0, 800), mended=False)
    lost, new = replace(clean, cuts=clean.cuts[1:]), clean
    assert "lost" in silent(clean, lost)[0]
    assert silent(clean, replace(lost, faults=[fault])) == []
    assert silent(clean, replace(lost, faults=[replace(fault, mended=True)])) != []
    assert "new" in silent(lost, new)[0]
    assert silent(lost, changed(new, 0, faulty=True)) == []
    for wrong in (darker(clean, 2), changed(clean, 2, y=clean.cuts[2].particle.y + 6), darker(clean, 2, "low")):
        assert "changed" in silent(clean, wrong)[0]
        assert silent(clean, replace(wrong, faults=[fault])) == []
    assert silent(clean, darker(clean, 2, faulty=True)) == []
    assert silent(clean, darker(clean, 2, mended=True)) == []


def test_a_fault_elsewhere_excuses_nothing(clean):
    x = clean.cuts[2].particle.x
    far = Fault("both", "dead", None, slice(x + 200, x + 201), mended=False)
    assert silent(clean, replace(darker(clean, 2), faults=[far])) != []


def test_mended_excuses_no_more_than_interpolation_does(clean):
    cuts = list(clean.cuts)
    cuts[0] = cuts[0]._replace(high=cuts[0].high // 2, particle=replace(cuts[0].particle, mended=True))
    assert "far off" in silent(clean, replace(clean, cuts=cuts))[0]


def test_verdicts(clean):
    variant = Variant("nothing", lambda *_: None, words="columns")
    patch = Patch("zero", "low", None, slice(90, 100))
    refused = replace(clean, refused="low: dead columns 3-9")
    assert verdict(variant, "right", clean, clean)[0] == "right"
    assert verdict(variant, "right", clean, darker(clean, 1, faulty=True))[0] == "CHANGED"
    assert verdict(variant, "named", clean, darker(clean, 1, faulty=True))[0] == "named"
    assert verdict(variant, "named", clean, darker(clean, 1))[0] == "SILENT"
    assert verdict(variant, "named", clean, refused)[0] == "REFUSED"
    assert verdict(variant, "any", clean, refused)[0] == "refused"
    assert verdict(replace(variant, words="exchange"), "any", clean, refused)[0] == "ADVICE"
    assert verdict(variant, "refused", clean, clean)[0] == "ACCEPTED"
    assert verdict(replace(variant, patch=patch), "any", clean, clean)[0] == "UNNAMED"
    told = replace(clean, faults=[Fault("low", "dead", None, slice(90, 100), mended=False)])
    assert verdict(replace(variant, patch=patch), "any", clean, told)[0] == "right"
    cries = changed(told, 3, faulty=True)
    assert clean.cuts[3].particle.x > 300
    assert verdict(replace(variant, patch=patch), "any", clean, cries)[0] == "WOLF"


def test_particles_are_looked_for_where_they_moved(clean):
    down = moved(clean, 100, 20, 400)
    assert [c.particle.y for c in down.cuts] == [
        c.particle.y + (20 if c.particle.y >= 100 else 0)
        for c in clean.cuts
        if c.particle.y < 100 or c.particle.y + c.particle.h + 20 <= 400
    ]
    assert BELT.stop == 760
