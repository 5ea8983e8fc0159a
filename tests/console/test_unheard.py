"""A reader that leaves (`sort ... | head`, a log that is not taken any more) ends no work, and is no stack trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from runtime.belts import belt

from oresort.console.unheard import going_on_unheard
from oresort.files.image import write_tiff


def with_nobody_there(*words: str, unheard: str) -> tuple[int, str]:
    """Run a command with nobody at one of its streams; return its exit code and what it said on the other."""
    read, write = os.pipe()
    os.close(read)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {unheard: write}
    process = subprocess.Popen([sys.executable, "-m", *words], **streams, text=True)
    os.close(write)
    said = "".join(text or "" for text in process.communicate(timeout=120))
    return process.returncode, said


@pytest.mark.parametrize("words", [("oresort.sort", "--help"), ("oresort",), ("oresort.sort", "-sc", "install=bash")])
def test_what_only_prints_ends_in_silence(words: tuple[str, ...]):
    assert with_nobody_there(*words, unheard="stdout") == (0, "")


@pytest.mark.parametrize("unheard", ["stdout", "stderr"])
def test_a_sort_that_nobody_listens_to_writes_all_its_files(tmp_path: Path, unheard: str):
    for layer, counts in zip(("low", "high"), belt(), strict=True):
        write_tiff(tmp_path / f"{layer}.tiff", counts)
    words = ["ckpt=builtin", f"low={tmp_path / 'low.tiff'}", f"high={tmp_path / 'high.tiff'}", "report=true"]
    code, said = with_nobody_there("oresort.sort", *words, f"out={tmp_path / 'out'}", unheard=unheard)
    assert code == 0, said
    assert "Traceback" not in said
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"decisions.csv", "decisions.json", "shift.csv", "overlay.png", "report.html", "report.json"}


def test_what_is_refused_still_fails_where_nobody_hears_why(tmp_path: Path):
    assert with_nobody_there("oresort.sort", f"out={tmp_path}", unheard="stderr") == (1, "")


def test_a_full_disk_is_still_told(monkeypatch: pytest.MonkeyPatch):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)

        def say() -> None:
            with going_on_unheard():
                print("x" * 100_000)

        with pytest.raises(OSError, match="No space left"):
            say()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


def test_streams_are_as_they_were_after_it():
    before = sys.stdout, sys.stderr
    with going_on_unheard():
        assert sys.stdout.encoding == before[0].encoding
        print("said")
    assert (sys.stdout, sys.stderr) == before
