"""The files of conf/: each says what it is, and every key of it arrives in the composed configuration."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from oresort.console.compose import register
from oresort.files.record import flatten
from oresort.learn.config import TrainConfig
from oresort.learn.sweep import register_resolvers
from oresort.paths import CONF_DIR

CONF = Path(CONF_DIR)
FILES = sorted(file.relative_to(CONF).with_suffix("").as_posix() for file in CONF.rglob("*.yaml"))
ROOTS = [name for name in FILES if "/" not in name]
CHOICES = [name for name in FILES if "/" in name and not name.startswith(("command/", "hydra/"))]


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CONF / f"{name}.yaml").read_text()) or {}
    return content


@cache
def groups(name: str) -> list[str]:
    """The groups that a file's defaults list chooses from."""
    entries = [entry for entry in read(name).get("defaults", []) if isinstance(entry, dict)]
    return [next(iter(entry)).removeprefix("override ").lstrip("/") for entry in entries]


def words_for(choice: str) -> tuple[str, list[str]]:
    """The command whose configuration takes a file, and the words that choose it."""
    group, _, name = choice.rpartition("/")
    parent = next((f for f in CHOICES if group in [f"{f.rpartition('/')[0]}/{g}" for g in groups(f)]), None)
    if parent:  # a group within a choice of another
        return words_for(parent)[0], [f"{parent.rpartition('/')[0]}={Path(parent).name}", f"{group}={name}"]
    root = next((root for root in ROOTS if group in groups(root)), None)
    return root or "train", [f"{'' if root else '+'}{group}={name}"]


@pytest.mark.parametrize("choice", CHOICES)
def test_every_key_of_a_choice_arrives(choice: str):
    register("train", TrainConfig)
    register_resolvers()
    root, words = words_for(choice)
    if root != "train":  # types are another test's
        ConfigStore.instance().store(name=f"{root}_schema", node={})
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(root, words, return_hydra_config=True)
    content = read(choice)
    content.pop("defaults", None)
    if "# @package _global_" not in (CONF / f"{choice}.yaml").read_text():
        for part in reversed(choice.split("/")[:-1]):
            content = {part: content}
    own = flatten(content, "")
    arrived = flatten(OmegaConf.to_container(cfg, enum_to_str=True), "")
    assert {key: arrived.get(key) for key in own} == own


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_what_it_is_in_its_first_comment(name: str):
    lines = (CONF / f"{name}.yaml").read_text().splitlines()
    first = next(line for line in lines if not line.startswith("# @package"))
    assert first.startswith("# ")


@pytest.mark.parametrize("trainer", ["gpu", "ddp"])
@pytest.mark.parametrize("scale", ["cpu", "full"])
def test_a_gpu_holds_the_pairs_at_every_scale(compose_train: Callable[..., TrainConfig], trainer: str, scale: str):
    cfg = compose_train(f"trainer={trainer}", f"scale={scale}", small=False)
    assert cfg.data.resident
    assert cfg.tf32
    assert cfg.trainer["max_epochs"] == (8 if scale == "cpu" else 200)
    assert not compose_train(f"trainer={trainer}", "data.resident=false", small=False).data.resident
