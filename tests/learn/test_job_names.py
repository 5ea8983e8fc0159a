"""What the jobs of a sweep are called while they run, and in the table at its end."""

from pathlib import Path
from typing import Any

import pytest
from hydra import initialize
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from oresort.learn.sweep import _names, title_of_job


def run(row: str, **config: Any) -> dict[str, Any]:
    own = {f"config.{key.replace('__', '.')}": value for key, value in config.items()}
    return {"name": "mine", "config.name": "mine", "config.row": row, **own}


def test_runs_are_called_by_what_differs_or_by_their_row():
    plain = [run("", optim__weight_decay=decay, seed=seed) for decay in (0.0, 0.01) for seed in (1, 2)]
    named = [run("KAN 6", seed=1), run("MLP 6", optim__lr=0.1), run("MLP 6", optim__lr=0.2)]
    assert _names([*plain, *named]) == [
        *("weight_decay 0", "weight_decay 0", "weight_decay 0.01", "weight_decay 0.01"),
        *("KAN 6", "MLP 6, lr 0.1", "MLP 6, lr 0.2"),
    ]


def test_a_job_is_called_by_the_values_that_its_sweep_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    job = OmegaConf.structured(HydraConf())
    job.sweep.dir = str(tmp_path)
    job.overrides.task = ["optim.weight_decay=0.01", "seed=1", "data.root=d", "model/fusion=stack"]
    monkeypatch.setattr(HydraConfig, "get", staticmethod(lambda: job))
    assert title_of_job("", "mine", None, 1) == "mine, seed 1"  # of no sweep
    params, task = {"optim.weight_decay": "0.0,0.01", "seed": "1,2"}, ["data.root=d", "model/fusion=stack,low"]
    whole = {"hydra": {"sweeper": {"params": params}, "overrides": {"task": task}}}
    OmegaConf.save(OmegaConf.create(whole), tmp_path / "multirun.yaml")
    with initialize(version_base="1.3", config_path=None):
        assert title_of_job("", "mine", 3, 1) == "mine, weight_decay 0.01, fusion stack, fold 3, seed 1"
        assert title_of_job("KAN 6", "mine", None, 1) == "KAN 6, seed 1"
