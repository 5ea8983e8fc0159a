"""A training that is killed at any moment, moved or not, goes on to the end that it would have had."""

import json
import os
import random
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.harness import End, Server, leftovers
from faults.kinds.checks import same_tables
from faults.world import MODEL

EPOCHS = 4
TRAIN = f"train data.root=set {MODEL} trainer.max_epochs={EPOCHS}"
WRITING = "**/.*-????????.*"  # files that have no name of their own yet

Here = Callable[[str], Path]


@pytest.fixture(scope="module")
def whole(server: Server, world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, End]:
    """The run that nothing disturbed, with its cache to build."""
    folder = tmp_path_factory.mktemp("whole") / "here"
    shutil.copytree(world, folder)
    shutil.rmtree(folder / "set/.cache")
    end = server.run(folder, f"{TRAIN} out=new")
    assert end.code == 0, end.err
    return folder / "new", end


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on another file system than the tests', or else another folder."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None) as folder:
        yield Path(folder)


def go_on(server: Server, here: Path, run: Path, ask: str) -> End:
    """Start a killed run again; what it answers, if not the end, is one line that says what to type."""
    end = server.run(here, ask)
    if end.code == 0:
        return end
    assert (end.code, len(end.errors)) == (1, 1), end.err
    assert "start it again" in end.errors[0]
    return server.run(here, f"{TRAIN} out={run}")


def same_end(run: Path, whole: Path) -> None:
    """Figures, predictions and epochs are those of the undisturbed run."""
    found, expected = (json.loads((folder / "metrics.json").read_text()) for folder in (run, whole))
    keys = [key for key in expected if key.startswith(("val/", "test/")) or key in ("status", "epoch", "threshold")]
    assert {key: found[key] for key in keys} == {key: expected[key] for key in keys}
    for name in ("predictions.csv", "metrics.csv"):
        same_tables(run / name, whole / name)
    assert leftovers(run) == []


def killed(server: Server, here: Path, elsewhere: Path, moved: bool, **how: Any) -> tuple[End, Path]:
    """Train until a kill, then move the run to another file system if asked for; where it is now."""
    end = server.run(here, f"{TRAIN} out=new", before=[["setting", "TMPDIR", str(elsewhere)], *how.pop("before", [])],
                     **how)  # fmt: skip
    run = here / "new"
    for name in leftovers(here):
        os.utime(here / name, (0, 0))  # those of the last minute are left in peace
    if moved and run.exists():
        run = Path(shutil.move(run, elsewhere / "run"))
    return end, run


@pytest.mark.parametrize(
    ("name", "moved", "how"),
    [
        ("the record is written", False, {"before": [["dies_at_flush", 3]]}),
        ("the first checkpoint is written", False, {"before": [["dies_at_flush", 13]]}),
        ("a later checkpoint is written", True, {"before": [["dies_at_flush", 19]]}),
        ("an epoch is trained", True, {"before": [["dies_in", 2]]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_killed_run_ends_as_if_nothing_had_been(
    server: Server, here: Here, whole: tuple[Path, End], elsewhere: Path, name: str, moved: bool, how: dict[str, Any]
):
    folder = here("here")
    end, run = killed(server, folder, elsewhere, moved, **how)
    assert end.code == -signal.SIGKILL, end.err
    end = go_on(server, folder, run, f"train resume={run}" if moved else f"{TRAIN} out=new")
    assert end.code == 0, end.err
    same_end(run, whole[0])


def test_a_sweep_killed_in_the_middle_ends_as_if_it_had_not_been(server: Server, here: Here):
    folder = here("here")
    words = f"train -m data.root=set {MODEL} trainer.max_epochs=3 seed=0,1"
    assert server.run(folder, f"{words} out=killed", before=[["dies_in", 1]]).code == -signal.SIGKILL
    (row,) = folder.glob("killed/train-s*/metrics.json")
    assert row.parent.name.startswith("train-s0-")
    assert json.loads(row.read_text())["status"] == "running"
    # it goes on under other circumstances than it was started in
    for more in ("out=killed data.workers=1 trainer.enable_progress_bar=true", "out=whole"):
        end = server.run(folder, f"{words} {more}", seconds=120)
        assert end.code == 0, end.err
    for seed in (0, 1):
        same_end(*(next(folder.glob(f"{out}/train-s{seed}-*")) for out in ("killed", "whole")))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(40))
def test_kills_at_random_moments(server: Server, here: Here, whole: tuple[Path, End], elsewhere: Path, number: int):
    chance = random.Random(number)
    for attempt in range(5):  # a moment may be after the end
        folder = here(f"{attempt}")
        if number % 4 < 2:
            shutil.rmtree(folder / "set/.cache")
        if number % 2:
            stop = {"files": WRITING, "nth": chance.randint(1, 20)}
        else:
            stop = {"after": chance.uniform(0.3, 1.0) * whole[1].seconds}
        end, run = killed(server, folder, elsewhere, number % 3 == 0, stop={"signal": signal.SIGKILL, **stop})
        if end.code == -signal.SIGKILL:
            break
        shutil.rmtree(run)
    else:
        pytest.fail("was never killed")
    if not run.exists():
        run.parent.mkdir(exist_ok=True)
    end = go_on(server, folder, run, f"train resume={run}" if number % 3 == 0 else f"{TRAIN} out={run}")
    assert end.code == 0, end.err
    same_end(run, whole[0])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("files", ["new/checkpoints/last.ckpt", "set/.cache/planes-*.lock"], ids=["epochs", "cache"])
def test_a_run_that_is_told_to_stop_says_how_to_go_on(
    server: Server, here: Here, whole: tuple[Path, End], number: int, code: int, files: str
):
    folder = here("here")
    shutil.rmtree(folder / "set/.cache")
    end = server.run(folder, f"{TRAIN} out=new", stop={"signal": number, "files": files})
    assert end.code == code, end.err
    assert len(end.errors) == 1, end.err
    assert "Traceback" not in end.err
    assert json.loads((folder / "new/metrics.json").read_text())["status"] == "interrupted"
    if "last" in files:
        assert re.search(r"resume=\S*new$", end.errors[0])
    assert leftovers(folder) == []
    end = go_on(server, folder, folder / "new", f"{TRAIN} out=new")
    assert end.code == 0, end.err
    same_end(folder / "new", whole[0])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize(
    ("words", "files"),
    [
        ("evaluate ckpt=run data.root=set out=e", "set/.cache/planes-*.lock"),
        ("prepare scans=raw out=x label=ore", ".x.part/*"),
        ("simulate out=x pairs=400 workers=1", ".x.part/*"),
    ],
    ids=["evaluate", "prepare", "simulate"],
)
def test_every_command_stops_when_told(server: Server, here: Here, words: str, files: str, number: int, code: int):
    folder = here("here")
    shutil.rmtree(folder / "set/.cache")
    end = server.run(folder, words, stop={"signal": number, "files": files})
    assert (end.code, len(end.errors)) == (code, 1), end.err
    assert leftovers(folder) == []
    assert not (folder / "x").exists()
