"""A dataset's folder: whole or not at all, and never another's."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oresort.errors import InputError
from oresort.files.write import MARK, new_folder, write_json

CHILD = """
import os, shutil, signal, sys
from pathlib import Path
from oresort.files import write

moment, out = sys.argv[1], Path(sys.argv[2])
name, number = moment.split(":")
owner = {"replace": Path, "rmtree": shutil, "unlink": Path, "block": None}[name]
calls = 0
def kill(*args, **options):
    global calls
    calls += 1
    if calls == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(*args, **options)
if owner:
    plain = getattr(owner, name)
    setattr(owner, name, kill)
with write.new_folder(out, overwrite=True) as folder:
    for k in range(3):
        (folder / str(k)).write_text("new")
        if moment == "block:1":
            os.kill(os.getpid(), signal.SIGKILL)
    (folder / write.MARK).write_text("new")
"""


def fill(out: Path, text: str, overwrite: bool = False) -> None:
    with new_folder(out, overwrite) as folder:
        for name in ("0", "1", "2", MARK):
            (folder / name).write_text(text)


def texts(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def whole(text: str) -> dict[str, str]:
    return dict.fromkeys(("0", "1", "2", MARK), text)


# replace: the old folder aside, then the new one in its place; unlink and rmtree: the old one removed
@pytest.mark.parametrize(
    "moment", ["block:1", "replace:1", "replace:2", "unlink:1", "unlink:2", "rmtree:1", "rmtree:2"]
)
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_dataset_whole(tmp_path: Path, moment: str):
    out = tmp_path / "set"
    fill(out, "old")
    child = subprocess.run([sys.executable, "-c", CHILD, moment, str(out)], check=False)
    assert child.returncode in (-signal.SIGKILL, 0)
    if child.returncode:
        assert any(texts(folder) in (whole("old"), whole("new")) for folder in tmp_path.iterdir())
    # the next call finds what was left, whatever it is asked to do
    with pytest.raises(InputError, match="not empty"):
        fill(out, "third")
    assert texts(out) in (whole("old"), whole("new"))
    assert [folder.name for folder in tmp_path.iterdir()] == ["set"]
    fill(out, "third", overwrite=True)
    assert texts(out) == whole("third")
    assert [folder.name for folder in tmp_path.iterdir()] == ["set"]


def test_every_moment_is_one_that_is_reached(tmp_path: Path):
    for moment in ("block:1", "replace:2", "unlink:1", "rmtree:1"):
        out = tmp_path / moment
        fill(out, "old")
        child = subprocess.run([sys.executable, "-c", CHILD, moment, str(out)], check=False)
        assert child.returncode == -signal.SIGKILL, moment


def test_a_failure_leaves_the_old_dataset_and_nothing_else(tmp_path: Path):
    fill(tmp_path / "set", "old")
    with pytest.raises(TypeError):
        fill(tmp_path / "set", 5, overwrite=True)  # type: ignore[arg-type]  # fails at its first file
    assert texts(tmp_path / "set") == whole("old")
    assert [folder.name for folder in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("failing", [1, 2])
def test_a_disk_that_refuses_to_rename_leaves_the_old_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
):
    fill(tmp_path / "set", "old")
    plain, calls = Path.replace, [0]

    def replace(self: Path, target: Path) -> Path:
        calls[0] += 1
        if calls[0] == failing:
            raise OSError(28, "No space left on device")
        return plain(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(InputError, match="No space left"):
        fill(tmp_path / "set", "new", overwrite=True)
    assert texts(tmp_path / "set") == whole("old")
    assert [folder.name for folder in tmp_path.iterdir()] == ["set"]


def test_only_what_this_program_made_is_replaced(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match="not replaced"):
        fill(tmp_path / "mine", "new", overwrite=True)
    assert texts(tmp_path / "mine") == {"thesis.txt": "years"}
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        fill(tmp_path / "file", "new", overwrite=True)
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty", "new")
    assert texts(tmp_path / "empty") == whole("new")


@pytest.mark.parametrize("out", [".", "..", "/", "../here"])
def test_the_folder_one_is_in_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str):
    here = tmp_path / "here"
    fill(here, "old")
    monkeypatch.chdir(here)
    with pytest.raises(InputError, match="the folder you are in"):
        fill(Path(out), "new", overwrite=True)
    assert texts(here) == whole("old")
    assert [folder.name for folder in tmp_path.iterdir()] == ["here"]


def test_two_writers_of_one_folder_are_refused(tmp_path: Path):
    out = tmp_path / "set"
    with new_folder(out, False) as folder:
        (folder / MARK).write_text("first")
        with pytest.raises(InputError, match="another process is writing it"):
            fill(out, "second")
        code = "from pathlib import Path; from oresort.files.write import new_folder\n"
        code += f"with new_folder(Path({str(out)!r}), True): pass"
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "another process is writing it" in child.stderr
    assert texts(out) == {MARK: "first"}


def test_a_folder_is_for_everyone_as_the_mask_says(tmp_path: Path):
    old = os.umask(0o022)
    try:
        fill(tmp_path / "set", "new")
    finally:
        os.umask(old)
    assert (tmp_path / "set").stat().st_mode & 0o777 == 0o755


def test_what_a_killed_writer_left_is_removed_and_what_is_being_written_is_not(tmp_path: Path):
    old, young, busy = (tmp_path / f".a-{name}.json" for name in ("oldoldol", "youngyou", "busybusy"))
    other = tmp_path / ".b-oldoldol.json"
    for file in (old, young, busy, other):
        file.write_text("half")
    for file in (old, busy, other):
        os.utime(file, (1, 1))
    with busy.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        write_json(tmp_path / "a.json", {"x": 1})
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", young.name, busy.name, other.name}


def test_a_file_in_place_of_a_folder_is_named_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.json"):
        write_json(tmp_path / "folder.json", {})

    def full(self: Path, text: str, encoding: str) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match=rf"No space left on device: '{tmp_path}/a\.json'"):
        write_json(tmp_path / "a.json", {})
    assert [path.name for path in tmp_path.iterdir()] == ["folder.json"]


@pytest.mark.parametrize("when", ["open", "flock"])
def test_a_signal_as_soon_as_a_file_is_there_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str):
    (tmp_path / "a.json").write_text("of before")
    owner = {"open": os, "flock": fcntl}[when]
    plain = getattr(owner, when)

    def stopped(*words: Any, **more: Any) -> Any:
        plain(*words, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, when, stopped)
    with pytest.raises(KeyboardInterrupt):
        write_json(tmp_path / "a.json", {"new": 1})
    monkeypatch.undo()
    assert texts(tmp_path) == {"a.json": "of before"}
