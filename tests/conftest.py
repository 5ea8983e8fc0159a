"""What all tests share: data made once a run, the real samples where they are, the real configuration."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from pairs import write_released

from oresort.command import register, typed
from oresort.learn.config import TrainConfig
from oresort.paths import CONF_DIR


@pytest.fixture(scope="session")
def real_dir() -> Path:
    """Folder of the real scan 38 and its two particle pairs."""
    folder = Path(os.environ.get("ORESORT_REAL", Path(__file__).parents[2] / "shared" / "real"))
    if not (folder / "scan_38_low.tiff").is_file():
        pytest.skip("the real samples are not here; set ORESORT_REAL to their folder")
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 pairs of 12 scans in the released layout; tests must not change it."""
    return write_released(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="session")
def composed() -> Iterator[Callable[..., Any]]:
    """Compose conf/train.yaml with overrides, as the command does."""
    register("train", TrainConfig)
    OmegaConf.register_new_resolver("first", lambda *v: next(x for x in v if x is not None), replace=True)

    def train_config(*overrides: str) -> TrainConfig:
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            cfg: TrainConfig = typed(compose("train", overrides=list(overrides)))
        return cfg

    yield train_config
    GlobalHydra.instance().clear()
