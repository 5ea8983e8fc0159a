"""A path typed on a command line is the path that the command sees."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oresort import prepare
from oresort.console.compose import composed
from oresort.console.words import readable
from oresort.errors import InputError
from oresort.learn.config import TrainConfig
from oresort.scan.prepare import PrepareConfig

SIGNS = "aü日 ()[]{}=,;:'\"$&|<>#!*?~`%@^+-._/0123"  # a backslash escapes, as Hydra says


def meant_otherwise(name: str) -> bool:
    quoted = len(name) > 1 and name[0] == name[-1] and name[0] in "'\""
    return not name or quoted or "${" in name or name.lower() == "null" or name == "???"


@settings(max_examples=40, deadline=None)
@given(st.text(SIGNS, max_size=12) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\\\0")))
@example("names ünï/scan (2)_low.tiff")
@example("{scan}_low")
@example("1.50")
@example("1e3")
@example("glob(*)")
@example("true")
def test_any_name_is_read_as_typed(name):
    if meant_otherwise(name):
        return
    words = readable([f"scans={name}", "out=x"], PrepareConfig)
    assert composed("prepare", PrepareConfig, *words).scans == name


@given(st.text(SIGNS, min_size=1, max_size=12), st.booleans())
def test_words_read_twice_are_words_read_once(name, sweep):
    words = [*(["-m"] if sweep else []), f"data.root={name}"]
    try:
        once = readable(words, TrainConfig)
    except InputError:
        assert sweep
        assert {"'", '"'} & set(name)
        return
    assert readable(once, TrainConfig) == once


@pytest.mark.parametrize(
    "word",
    [
        "seed=1,2",
        "data.root=a,b",
        "optim.lr=1e-3",
        "data.limit=null",
        "logger=[csv,wandb]",
        "out=${oc.env:HOME}/x",
        "out='a b'",
        "+trainer.x={a: 1}",
        "name=choice(a,b)",
        "~logger",
        "--config-dir",
    ],
)
def test_what_hydra_reads_stays(word):
    assert readable(["-m", word], TrainConfig) == ["-m", word]


@pytest.mark.parametrize("flag", ["-m", "--multirun"])
def test_a_sweep_may_be_asked_for_amid_the_keys(flag: str):
    assert readable(["seed=1,2", flag, "name=a"], TrainConfig) == [flag, "seed=1,2", "name=a"]


def test_a_sweep_over_odd_names_parts_at_commas():
    assert readable(["-m", "data.root=a (1),ü"], TrainConfig) == ["-m", "data.root='a (1)','ü'"]
    assert readable(["hydra.mode=MULTIRUN", "name=a,b"], TrainConfig) == ["hydra.mode=MULTIRUN", "name=a,b"]


def test_lists_of_odd_names_and_interpolations_in_odd_paths():
    assert readable(["modules=[a (1), b]"], TrainConfig) == ["modules=['a (1)','b']"]
    assert readable(["out=${oc.env:HOME}/a (2)"], TrainConfig) == ["out='${oc.env:HOME}/a (2)'"]


def test_a_folder_of_configurations_is_no_key():
    assert readable(["--config-dir", "out=1e3"], TrainConfig) == ["--config-dir", "out=1e3"]


@pytest.mark.parametrize("word", ["seed=(", "+callbacks.x={a", "logger=[a"])
@pytest.mark.parametrize("sweep", [[], ["-m"]])
def test_what_cannot_be_read_is_told_how_to_quote(word, sweep):
    with pytest.raises(InputError, match=r"not a word that can be read; .* quoted twice: \".*='\.\.\.'\""):
        readable([*sweep, word], TrainConfig)
    with pytest.raises(InputError, match="quoted twice"):
        readable(["-m", "data.root='it's, a'"], TrainConfig)


def test_a_name_that_is_not_utf8_is_refused():
    with pytest.raises(InputError, match="not UTF-8"):
        readable(["out=a\udcff"], TrainConfig)


def test_help_comes_whatever_the_words_are(command):
    code, out, _ = command(prepare, "scans=a: b: [c", "--help")
    assert code == 0
    assert "python -m oresort.prepare" in out
