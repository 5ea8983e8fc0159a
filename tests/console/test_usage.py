"""`--help`: every key is explained, every example can be typed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore

from oresort.console.compose import register
from oresort.console.usage import examples, usage
from oresort.console.words import readable
from oresort.learn.config import TrainConfig
from oresort.learn.sweep import register_resolvers
from oresort.paths import CONF_DIR

VERBS = sorted(file.stem for file in CONF_DIR.glob("*.yaml"))
FILES = sorted(
    file
    for file in CONF_DIR.rglob("*/*.yaml")
    if "@package" not in file.read_text() and file.parent.name not in ("hydra", "launcher", "sweeper", "command")
)
KEY = re.compile(r" *(?P<key>\w+):(?= |$)")


def unexplained(lines: list[str]) -> list[str]:
    """The lines of keys with neither a comment of their own nor one above, and that hold no keys that have."""
    return [
        line
        for above, line, below in zip(["", *lines], lines, [*lines[1:], ""], strict=False)
        if KEY.match(line) and not line.strip().startswith("_target_:")
        if "#" not in line and not above.strip().startswith("#")
        # a key of keys stands for these
        if not (line.endswith(":") and len(below) - len(below.lstrip()) > len(line) - len(line.lstrip()))
    ]


def composed_keys(verb: str) -> set[str]:
    """The last parts of all keys of a verb's default configuration."""
    register("train", TrainConfig)
    register_resolvers()
    if verb != "train":  # the files alone, without types
        ConfigStore.instance().store(name=f"{verb}_schema", node={})
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        cfg: Any = compose(verb)
    found: set[str] = set()

    def walk(node: Any) -> None:
        for name in node:
            child = node._get_node(name)
            if hasattr(child, "items"):
                walk(child)
            else:
                found.add(str(name))

    walk(cfg)
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_every_key_of_the_default_configuration_is_explained(verb: str):
    text = usage(verb, "What it does.")
    keys = (
        text.partition("Keys and their defaults:")[2]
        .partition("\nChoices, each")[0]
        .partition("\nMore words:")[0]
        .splitlines()
    )
    assert unexplained(keys) == []
    named = {match["key"] for line in keys if (match := KEY.match(line))}
    assert composed_keys(verb) - named == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(CONF_DIR).with_suffix("").as_posix())
def test_every_key_of_a_choice_is_explained(file: Path):
    assert unexplained(file.read_text().splitlines()) == []


def test_the_check_finds_what_is_not_explained():
    lines = ["a: 1 # one", "b: 2", "# three", "c: 3", "d:", "  e: 4", "_target_: x"]
    assert unexplained(lines) == ["b: 2", "  e: 4"]


@pytest.mark.parametrize("verb", VERBS)
def test_help_ends_with_examples_whose_words_are_known(verb: str):
    lines = examples(verb)
    assert lines
    assert usage(verb, "").endswith("\n".join(f"  {line}" for line in lines))
    for line in lines:
        _, _, module, *words = shlex.split(line, comments=True)
        assert module.startswith("oresort.")
        name = module.removeprefix("oresort.")
        text = usage(name, "", words)
        for word in words:
            key = word.lstrip("+").partition("=")[0]
            if word == "-m":
                continue
            group = "/" in key or (CONF_DIR / key).is_dir()
            known = rf"[ *+]{re.escape(key)}=" if group else rf"(?m)^ *{re.escape(key.split('.')[-1])}:"
            assert re.search(known, text), (verb, word)


@pytest.mark.parametrize("line", examples("train"))
def test_the_examples_of_train_are_composed(line: str):
    words = [word for word in shlex.split(line, comments=True)[3:] if word != "-m"]
    if "oresort.train" in line:
        register("train", TrainConfig)
        register_resolvers()
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            # of a sweep, the first job
            compose("train", readable([re.sub(r"^([\w./]+=[^\[,]+),.*", r"\1", word) for word in words], TrainConfig))


def test_help_explains_what_the_words_choose():
    assert "widths" in usage("train", "", ["model/head=mlp"]).partition("model/head=mlp")[2]
    experiment = usage("train", "", ["+experiment=ablation_fusion"])
    assert "*+experiment=ablation_fusion" in experiment
    assert "*recipe=paper" in experiment  # which the experiment chooses
    assert "*model/fusion=stack " in usage("train", "", ["+ablation/fusion=data", "model/fusion=stack"])


@pytest.mark.parametrize("verb", VERBS)
def test_help_says_how_to_sweep_compose_and_complete(verb: str):
    text = usage(verb, "")
    assert "--cfg job" in text
    assert "-sc install=bash" in text
    assert ("-m key=a,b" in text) == ("\n  sweep:" in (CONF_DIR / f"{verb}.yaml").read_text())


def test_help_comes_without_hydra_and_torch():
    code = "import sys; sys.argv = ['x', '--help']; from oresort import train; train.main(); "
    code += "sys.exit(bool({'torch', 'hydra', 'omegaconf', 'pandas', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.DEVNULL).returncode == 0
