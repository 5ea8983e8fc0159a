"""Particles of known class travel with a model, and what is no such thing is refused."""

import json
from base64 import b64encode

import numpy as np
import pytest
from lots import drawn, lot

from oresort.errors import InputError
from oresort.sorting.lot import Lot, check_grades


@pytest.mark.parametrize("given", [drawn(1, 50), lot([0.1, 1, 0], [0, 1, 1], mass_from="image"), lot([], [])])
def test_a_lot_comes_back_as_it_was_written(given: Lot):
    back = Lot.read(json.loads(json.dumps(given.plain(), allow_nan=False)))
    assert (back.p_ore == given.p_ore).all()  # to the bit: thresholds part them alike
    assert (back.ore == given.ore).all()
    assert (back.scan == given.scan).all()
    np.testing.assert_allclose(back.mass, given.mass, rtol=1e-4)
    assert (back.grade is None) == (given.grade is None)
    assert (back.mass_from, back.assayed) == (given.mass_from, given.assayed)


def test_a_large_lot_is_kept_in_part_evenly():
    count = 50_000
    many = lot(np.linspace(0, 1, count), np.arange(count) % 2, scan=np.arange(count) // 100)
    back = Lot.read(many.plain())
    assert len(back) == 20_000
    assert back.scans == 500
    assert back.p_ore.mean() == pytest.approx(0.5, abs=1e-3)


def packed(kind: str, *values: float) -> str:
    return b64encode(np.array(values, kind).tobytes()).decode()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(
            ("p_ore", value)
            for value in (
                *(
                    packed("<f4", 0.5, 2.0),
                    packed("<f4", 0.5),
                    packed("<f4", 0.1, np.nan),
                    packed("<f4", *[0.5] * 20_001),
                ),
                *([0.5, 0.1], 3, None, "AAAA!AAA", packed("|u1", 1, 1, 1), "Ã"),
            )
        ),
        *(("ore", packed("|u1", 0, 2)), ("ore", [0, 1]), ("scan", packed("<u2", 0, 5)), ("scans", [1, 2])),
        *(("mass", packed("<f4", *values)) for values in ((0, 1), (-1, 1), (np.inf, 1))),
        *(("mass_from", "guess"), ("mass_from", None)),
        *(("grade", packed("<f4", *values)) for values in ((1, 101), (1, -1), (1,))),
        *(("assayed", -1), ("assayed", 1.5)),
    ],
)
def test_what_is_no_lot_is_refused(key: str, value: object):
    content = lot([0.5, 0.1], [1, 0], grade=[1, 0]).plain()
    with pytest.raises(InputError, match="known"):
        Lot.read({**content, key: value})


def test_other_shapes_are_refused():
    content = lot([0.5], [1]).plain()
    for odd in (None, [], "x", {}, {**content, "more": 1}, {k: v for k, v in content.items() if k != "mass"}):
        with pytest.raises(InputError, match="known"):
            Lot.read(odd)


def test_grades_that_look_like_ppm_are_asked_about():
    with pytest.raises(InputError, match=r"median grade of 30 wt %; is it in ppm"):
        check_grades(np.array([1, 30, 90.0]), "manifest.csv")
    check_grades(np.array([1, 30, 90.0]), "manifest.csv", rich=True)
    check_grades(np.array([1, 2, 90.0, np.nan]), "manifest.csv")
    check_grades(np.array([np.nan]), "manifest.csv")
