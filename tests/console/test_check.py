"""Types and ranges of keys: what fits, what is refused, and in which words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest

from oresort.console.check import check, checked, misfit, wanted
from oresort.console.ranges import number, one_of, share, whole
from oresort.errors import InputError


@dataclass
class Inner:
    size: Annotated[int, whole(1)] = 3


@dataclass
class Keys:
    inner: Inner = field(default_factory=Inner)
    seed: Annotated[int, whole(0, 9)] = 0
    limit: Annotated[int | None, whole(1)] = None
    rate: Annotated[float, number(0, above=True)] = 0.1
    cut: Annotated[Any, share("best")] = "best"
    side: Annotated[str, one_of("left", "right")] = "left"
    names: list[str] = field(default_factory=list)
    sides: list[Annotated[str, one_of("left", "right")]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"seed": 9, "limit": 1, "rate": 5, "cut": 1, "side": "right"},
        {"cut": 0.0, "names": ["a"], "more": {"a": {"b": [1, None, "x", True]}}},
    ],
)
def test_what_is_allowed_passes(keys: dict[str, Any]):
    check(Keys(**keys))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"inner": Inner(0)}, "inner.size=0: give a whole number of at least 1"),
        ({"seed": -1}, "seed=-1: give a whole number from 0 to 9"),
        ({"seed": 10}, "seed=10: "),
        ({"seed": True}, "seed=true: "),
        ({"seed": None}, "seed=null: "),
        ({"seed": 1.5}, "seed=1.5: "),
        ({"limit": 0}, "limit=0: "),
        ({"limit": 2**31}, "limit=2147483648: "),
        ({"rate": 0}, "rate=0: give a number above 0"),
        ({"rate": math.inf}, "rate=inf: give a finite number"),
        ({"rate": math.nan}, "rate=nan: give a finite number"),
        ({"cut": True}, "cut=true: give a number from 0 to 1, or best"),
        ({"cut": None}, "cut=null: "),
        ({"cut": [0.5]}, "cut=[0.5]: "),
        ({"cut": 7}, "cut=7: "),
        ({"cut": "worst"}, "cut=worst: "),
        ({"side": "up"}, "side=up: known are left, right"),
        ({"names": "a"}, "names=a: give a list in brackets"),
        ({"sides": "left"}, "sides=left: give a list in brackets, each one of left, right"),
        ({"more": {"a": {"b": [math.nan]}}}, "more.a.b=nan: give a finite number"),
        ({"more": {"a": 10**30}}, "more.a=1e+30: too large"),
        ({"side": "a\0b"}, "zero byte"),
        ({"names": ["n" * 5_000]}, "5,000 letters"),
    ],
)
def test_what_is_not_allowed_is_named_with_its_mend(keys: dict[str, Any], said: str):
    with pytest.raises(InputError) as caught:
        check(Keys(**keys))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        (1, float, True),
        (1.0, int, False),
        (True, int, False),
        (1, bool, False),
        (None, float | None, True),
        ("x", float | None, False),
        ([1, 2], Sequence[int], True),
        ([1, "a"], Sequence[int], False),
        ("ab", Sequence[str], False),
        ([0.9, 0.99], tuple[float, float], True),
        ("a", Literal["a", "b"], True),
        (1, Literal[True], False),
        ({"a": 1}, dict[str, Any], True),
        ([1], dict[str, Any], False),
        (object(), Any, True),
        (0, Annotated[int, whole(1)] | None, False),
    ],
)
def test_annotations_are_read_as_they_are_meant(value: object, kind: Any, fits: bool):
    assert (misfit(value, kind) is None) == fits


def test_keywords_of_a_class_are_held_to_its_annotations():
    class Part:
        def __init__(self, size: int, start: float = 0.0, mode: str = None) -> None:  # type: ignore[assignment]  # noqa: RUF013
            pass

    made = checked("Part", Part, {"size": 3, "start": 1, "mode": None})
    assert made == {"size": 3, "start": 1.0, "mode": None}
    assert isinstance(made["start"], float)
    for keywords in ({"size": "x"}, {"size": 1, "start": True}, {"size": 1, "start": math.nan}):
        with pytest.raises(InputError, match=r"Part: (size|start)="):
            checked("Part", Part, keywords)


def test_what_is_wanted_is_said_in_words():
    assert wanted(bool) == "give true or false"
    assert wanted(int | None) == "give a whole number or null"
    assert wanted(Inner) == "give its keys one by one: size"
