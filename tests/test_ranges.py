"""Every number of every verb's configuration says its range, and words that are chosen from are known."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from oresort.belt.conditions import Conditions
from oresort.compare import CompareConfig
from oresort.console.check import kind_of
from oresort.console.compose import composed
from oresort.console.ranges import Rule
from oresort.dashboard import DashboardConfig
from oresort.errors import InputError
from oresort.evaluate import EvaluateConfig
from oresort.explain import ExplainConfig
from oresort.export import ExportConfig
from oresort.import_weights import ImportConfig
from oresort.learn.classic import ClassicConfig
from oresort.learn.config import TrainConfig
from oresort.learn.pretrain import PretrainConfig
from oresort.models.kan.layer import INITS
from oresort.report import ReportConfig
from oresort.runtime.settings import SortConfig
from oresort.scan.calibrate.command import CalibrateConfig
from oresort.scan.prepare import PrepareConfig
from oresort.simulate import SimulateConfig

SCHEMAS: dict[str, type] = {
    "calibrate": CalibrateConfig,
    "classic": ClassicConfig,
    "compare": CompareConfig,
    "dashboard": DashboardConfig,
    "evaluate": EvaluateConfig,
    "explain": ExplainConfig,
    "export": ExportConfig,
    "import_weights": ImportConfig,
    "prepare": PrepareConfig,
    "pretrain": PretrainConfig,
    "report": ReportConfig,
    "simulate": SimulateConfig,
    "sort": SortConfig,
    "train": TrainConfig,
}
GIVEN = {
    "calibrate": ["scans=x", "out=x.json"],
    "evaluate": ["ckpt=x", "data.root=x"],
    "explain": ["ckpt=x", "out=x"],
    "export": ["ckpt=x", "out=x"],
    "prepare": ["scans=x", "out=x"],
    "report": ["runs=x"],
    "simulate": ["out=x"],
    "sort": ["ckpt=x", "out=x"],
}


def rules(schema: type, prefix: str = "") -> Iterator[tuple[str, Any, list[Rule]]]:
    """Every key of a schema, with its plain type and its rules."""
    for name, kind in get_type_hints(schema, include_extras=True).items():
        if is_dataclass(kind):
            yield from rules(kind, f"{prefix}{name}.")  # type: ignore[arg-type]
            continue
        found = [rule for rule in getattr(kind, "__metadata__", ()) if isinstance(rule, Rule)]
        yield f"{prefix}{name}", getattr(kind, "__origin__", kind) if found else kind, found


@pytest.mark.parametrize("verb", SCHEMAS)
def test_every_number_says_its_range(verb: str):
    bare = [key for key, kind, found in rules(SCHEMAS[verb]) if {int, float} & {kind, *get_args(kind)} and not found]
    assert bare == []


def out_of_range(verb: str) -> list[list[str]]:
    """What each key of a verb cannot be, as typed: a list for each key."""
    words = []
    for key, kind, found in rules(SCHEMAS[verb]):
        kinds = {kind, *get_args(kind)}
        if not found or kind is Any:
            continue
        values = ["no-such-word"] if not {int, float} & kinds else ["-1", "1e99", "true"]
        if float in kinds and int not in kinds:
            values.insert(0, "nan")
        words.append([f"{key}={value}" for value in values])
    return words


def is_refused(verb: str, word: str) -> None:
    key, _, value = word.partition("=")
    named = f"{key}={value[:7]}" if value == "no-such-word" else f"{key}="
    with pytest.raises(Exception, match=named) as caught:
        composed(verb, SCHEMAS[verb], *GIVEN[verb], word)
    assert isinstance(caught.value, InputError) or "Error merging override" in str(caught.value)


@pytest.mark.parametrize("verb", GIVEN)
def test_what_is_out_of_range_is_refused_as_it_is_composed(verb: str):
    words = [values[number % len(values)] for number, values in enumerate(out_of_range(verb))]
    assert words or verb == "calibrate"
    for word in words:
        is_refused(verb, word)


@pytest.mark.slow  # a minute
@pytest.mark.parametrize("verb", GIVEN)
def test_whatever_is_out_of_range_is_refused(verb: str):
    for word in (word for values in out_of_range(verb) for word in values):
        is_refused(verb, word)


@pytest.mark.parametrize("verb", GIVEN)
def test_the_defaults_are_in_their_ranges(verb: str):
    made = composed(verb, SCHEMAS[verb], *GIVEN[verb])
    for key, kind, found in rules(SCHEMAS[verb]):
        value: Any = made
        for name in key.split("."):
            value = getattr(value, name)
        assert all(rule.allows(value) for rule in found) or (value is None and NoneType in get_args(kind))


def test_ranges_are_those_of_the_rooms():
    simulated = composed("simulate", SimulateConfig, "out=x")
    assert Conditions.of(simulated) == Conditions()
    for key in fields(Conditions):
        if key.name != "lithologies":
            assert kind_of(SimulateConfig, key.name) == kind_of(Conditions, key.name)
    (init,) = kind_of(TrainConfig, "recipe.init").__metadata__
    assert set(init.others) == set(INITS)
