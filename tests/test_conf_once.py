"""What tests keep of Hydra's work is what Hydra would make anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import conf_once
import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from oresort.console.compose import composed, register
from oresort.errors import InputError
from oresort.learn.config import TrainConfig
from oresort.learn.sweep import register_resolvers
from oresort.paths import CONF_DIR


def composing(words: Sequence[str], mode: RunMode = RunMode.RUN, schema: type = TrainConfig) -> Any:
    register("train", schema)
    register_resolvers()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        return hydra.compose_config("train", list(words), run_mode=mode)


@pytest.mark.parametrize("mode", [RunMode.RUN, RunMode.MULTIRUN])
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("seed=3", "model.head.widths=[4]", "optim.lr=0.5"),
        ("+experiment=ablation_fusion", "ablation/fusion=feature", "recipe=paper", "scale=cpu"),
        ("model/tower=timm", "model.tower.name=resnet18", "model/head=mlp4", "callbacks=[early_stopping]"),
        ("+data.mine=1", "~augment", "hydra/sweeper=optuna"),
    ],
)
def test_what_is_kept_is_what_hydra_makes(words: tuple[str, ...], mode: RunMode):
    with conf_once.as_ever():
        made = composing(words, mode)
    for _ in range(2):
        kept = composing(words, mode)
        assert OmegaConf.to_container(kept, resolve=False) == OmegaConf.to_container(made, resolve=False)
        assert OmegaConf.to_yaml(kept) == OmegaConf.to_yaml(made)
        assert list(kept) == list(made)
        for key in ("", "data", "model.tower", "augment", "hydra"):
            ours, theirs = (OmegaConf.select(cfg, key) if key else cfg for cfg in (kept, made))
            assert OmegaConf.get_type(ours) == OmegaConf.get_type(theirs)
            assert ours is None or (OmegaConf.is_struct(ours), ours._metadata.flags) == (
                OmegaConf.is_struct(theirs),
                theirs._metadata.flags,
            )
        OmegaConf.set_struct(kept, False)
        kept.data.root = "of somebody else"  # which must not be in the next


def test_it_is_made_once(monkeypatch: pytest.MonkeyPatch):
    composing(())
    monkeypatch.setattr(conf_once, "_plain", {})  # in which nothing would be found
    assert composing(("seed=7",)).seed == 7


def test_a_word_that_is_refused_is_refused_each_time():
    for _ in range(2):
        with pytest.raises(InputError, match="nothing"):
            composed("train", TrainConfig, "model/fusion=nothing")
        with pytest.raises(InputError, match="sed"):
            composed("train", TrainConfig, "sed=1")
        assert composed("train", TrainConfig, "seed=1").seed == 1


def test_a_folder_of_ones_own_is_read_each_time(tmp_path: Path):
    (tmp_path / "recipe").mkdir()
    for name in ("first", "second"):
        (tmp_path / "recipe" / "default.yaml").write_text("name: default\n")
        (tmp_path / "recipe" / "mine.yaml").write_text(f"name: {name}\ninit: linear\nnorm: true\nepochs: 3\n")
        cfg = composed("train", TrainConfig, "recipe=mine", f"hydra.searchpath=[{tmp_path}]")
        assert cfg.recipe.name == name
    with pytest.raises(InputError, match="mine"):
        composed("train", TrainConfig, "recipe=mine")


@dataclass
class _More(TrainConfig):
    mine: list[int] = field(default_factory=lambda: [5])


def test_a_dataclass_is_not_taken_for_another():
    assert "mine" not in composing(())
    assert composing((), schema=_More).mine == [5]
    assert "mine" not in composing(())
