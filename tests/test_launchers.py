"""Jobs at other places: at once on this machine, on a cluster, over several processes of one run."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from pairs import SMALL

from oresort import train
from oresort.console.compose import register
from oresort.learn.config import TrainConfig
from oresort.learn.sweep import register_resolvers
from oresort.paths import CONF_DIR

NEEDS = {"local": "hydra_joblib_launcher", "slurm": "hydra_submitit_launcher", "ray": "hydra_ray_launcher"}


@pytest.mark.parametrize("name", sorted(file.stem for file in (CONF_DIR / "hydra" / "launcher").glob("*.yaml")))
def test_a_launcher_composes(name: str):
    register("train", TrainConfig)
    register_resolvers()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        cfg = compose("train", [f"hydra/launcher={name}"], return_hydra_config=True)
        if find_spec(f"hydra_plugins.{NEEDS[name]}") is None:
            pytest.skip(f"composes; {NEEDS[name]} is not installed: it needs an environment of its own")
        launcher = Plugins.instance()._instantiate(cfg.hydra.launcher)
    assert isinstance(launcher, Launcher)


@pytest.mark.skipif(find_spec("hydra_plugins.hydra_ray_launcher") is not None, reason="it is installed")
def test_a_launcher_that_is_not_installed_is_said_in_one_line(command: Any, dataset: Path, tmp_path: Path):
    words = ("-m", f"data.root={dataset}", f"out={tmp_path}", "seed=0,1", "hydra/launcher=ray")
    code, _, err = command(train, *words)
    assert code == 1
    assert "RayLauncher" in err
    assert "install the extra" in err
    assert "Traceback" not in err


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "oresort.train", *words],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["local", "submitit_local"])
def test_jobs_of_other_processes_are_those_of_this_one(command: Any, dataset: Path, tmp_path: Path, launcher: str):
    def words(out: str) -> list[str]:
        return ["-m", f"data.root={dataset}", f"out={tmp_path / out}", "seed=0,1", *SMALL]

    done = run(*words("there"), f"hydra/launcher={launcher}")
    assert done.returncode == 0, done.stderr
    assert "2 jobs in" in done.stderr
    assert command(train, *words("here"))[0] == 0
    for file in (tmp_path / "here").glob("train-s*/metrics.json"):
        here, there = (
            json.loads((tmp_path / out / file.parent.name / "metrics.json").read_text()) for out in ("here", "there")
        )
        assert here["test/auroc"] == pytest.approx(there["test/auroc"], abs=1e-3)
        assert there["status"] == "finished"
    again = run(*words("there"), f"hydra/launcher={launcher}")
    assert "(2 finished earlier)" in again.stderr
    failed = run(*[w.replace("seed=0,1", "optim.lr=-1,0.001") for w in words("bad")], f"hydra/launcher={launcher}")
    assert failed.returncode == 1
    assert "1 job without a result" in failed.stderr


@pytest.mark.slow
@pytest.mark.parametrize("resident", [False, True])
def test_two_processes_train_one_run(dataset: Path, tmp_path: Path, resident: bool):
    words = [w for w in SMALL if "max_epochs" not in w]
    done = run(
        f"data.root={dataset}", f"out={tmp_path}", "trainer.devices=2", "+trainer.strategy=ddp", "trainer.max_epochs=3",
        "data.batch_size=8", f"data.resident={resident}", *words,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "metrics.json").read_text())
    assert row["status"] == "finished"
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    assert not predictions["id"].duplicated().any()
    assert pd.read_csv(tmp_path / "metrics.csv")["epoch"].tolist() == [0, 1, 2]
    assert done.stdout.count("run folder") == 1


def test_a_sweep_over_several_devices_is_refused(command: Any, dataset: Path, tmp_path: Path):
    code, out, err = command(
        train, "-m", f"data.root={dataset}", f"out={tmp_path}", "seed=0", "trainer.devices=2", *SMALL
    )
    assert code == 1
    assert "set trainer.devices=1" in " ".join((out + err).split())
