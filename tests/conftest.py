"""What all tests share: data made once a run, the real samples where they are, the real configuration."""

import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

# the tests' tensors are tiny: a second thread, here or in a process that a test starts, costs more than it brings, ten
# times more under load; read once, when numpy and torch are imported
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
import yaml
from pairs import SMALL, write_released

if TYPE_CHECKING:  # the process that hands tests out to others needs no torch
    from oresort.learn.config import TrainConfig

# where a script started the tests in the background they would not hear the Ctrl-C that some of them send
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# tests end by no power cut; the disk was waited for some twenty times a training
os.fsync = lambda handle: None

# Hydra reads some twenty files for each command that a test types; in Python alone that is a sixth of composing one
yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # type: ignore[misc]

# a dataset that the person running the tests has must not get into them
os.environ["ORESORT_DATA"] = "no-dataset"


_TEMPORARY = tempfile.gettempdir()


def pytest_configure(config: pytest.Config) -> None:
    """Give what has no other place a folder that goes with all that is in it.

    W&B makes two when it is imported, and a process that is killed leaves its own.
    """
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", _TEMPORARY)  # where pytest keeps the folders of tests that failed
    if not hasattr(config, "workerinput"):
        os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="oresort-tests-")
        config.add_cleanup(partial(_put_away, tempfile.tempdir))


def _put_away(folder: str) -> None:
    os.environ["TMPDIR"] = tempfile.tempdir = _TEMPORARY
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_finish() -> None:
    gc.set_threshold(100_000, 20, 20)  # a twentieth of what composing a configuration takes
    # what is imported by now stays: to look through it for garbage was half the time of each small training
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()


_LONG = (
    "tests/faults/",
    "tests/runtime/test_sort_belt.py",
    "tests/test_experiments.py",
    "tests/test_tour.py",
    "tests/test_prepare.py",
    "tests/test_explain.py",
    "tests/studies/test_shift.py",
    "tests/studies/test_difficulty.py",
    "tests/runtime/test_sort.py",
    "tests/learn/",
    "tests/test_readme.py",
    "tests/test_search.py",
    "tests/test_commands.py",
    "tests/test_conf.py",
    "tests/scan/faults/",
)
"""What takes long, by the begin of its name: first, so that no worker is left alone with it at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((i for i, name in enumerate(_LONG) if item.nodeid.startswith(name)), len(_LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out tests file by file, and those of faults in one piece: what they begin with takes a while to make."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/faults" if nodeid.startswith("tests/faults/") else super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # by the number of tests: the long ones are few
    return ByFile(config, log)


@pytest.fixture(autouse=True)
def _modules_written_by_a_test_end_with_it() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(os.environ["PYTEST_DEBUG_TEMPROOT"]):
            del sys.modules[name]  # another test may write one of the same name


@pytest.fixture(scope="module", autouse=True)
def _what_tests_imported_is_looked_through_for_garbage_once() -> Iterator[None]:
    before = len(sys.modules)
    yield
    if len(sys.modules) > before + 50:
        gc.collect()
        gc.freeze()


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
def compose_train() -> "Callable[..., TrainConfig]":
    """Compose conf/train.yaml with overrides, small unless told otherwise; the same words once, and copied."""
    from oresort.learn.compose import compose

    known: dict[tuple[str, ...], TrainConfig] = {}

    def train_config(*overrides: str, small: bool = True) -> "TrainConfig":
        words = (*(SMALL if small else ()), *overrides)
        if words not in known:
            known[words] = compose("train", *words)
        return deepcopy(known[words])

    return train_config


@pytest.fixture(scope="session")
def trained(
    dataset: Path, compose_train: "Callable[..., TrainConfig]", tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Run folder of a small training of three epochs."""
    from oresort.learn.fit import train

    folder = tmp_path_factory.mktemp("runs") / "run"
    train(compose_train(f"data.root={dataset}", "trainer.max_epochs=3"), folder)
    return folder


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in this process: `command(module, "key=value", ...)` gives (exit code, stdout, stderr)."""

    def run(module: Any, *words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [f"oresort.{module.__name__}", *words])
        try:
            module.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run
