"""A disk that fills up or cannot be written: one line, no half file under its own name, and on once there is room."""

import ctypes
import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from faults.harness import Server, leftovers
from faults.kinds.checks import finished, same_predictions
from faults.world import MODEL
from PIL import Image

Here = Callable[[str], Path]
TRAIN = f"train data.root=set {MODEL} trainer.max_epochs=2 out=small/cut"


@pytest.fixture
def disk(here: Here) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A copy of the world with an empty small disk at `small`, and what gives that disk another size."""
    folder = here("here")
    small = folder / "small"
    small.mkdir()
    tried = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", small], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("a file system cannot be mounted here")

    def resize(size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", small], check=True)

    try:
        yield folder, resize
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def whole(file: Path) -> bool:
    """Tell whether a file is what its name says, to its end."""
    data = file.read_bytes()
    match file.suffix:
        case ".json":
            return bool(json.loads(data))
        case ".yaml":
            return bool(yaml.safe_load(data))
        case ".csv":
            return data.endswith(b"\n") and not pd.read_csv(file).isna().all(axis=None)
        case ".ckpt":
            return "state_dict" in torch.load(io.BytesIO(data), weights_only=True)
        case ".npy" | ".npz":
            return np.load(file) is not None
        case ".png":
            Image.open(file).load()
    return bool(data)


def full(server: Server, folder: Path, resize: Callable[[str], None], words: str, sizes: list[int]) -> int:
    """Run a command on a disk of growing size, in kB, up to where it succeeds; return how often it was too small."""
    for times, size in enumerate(sizes):
        resize(f"{size}k")
        end = server.run(folder, words)
        files = [file for file in (folder / "small").rglob("*") if file.is_file()]
        assert [file.name for file in files if not whole(file)] == [], f"{size} kB"
        assert leftovers(folder) == [], f"{size} kB"
        if end.code == 0:
            return times
        assert (end.code, len(end.errors)) == (1, 1), end.err
        assert "No space left on device" in end.errors[0], end.err
        assert "; " in end.errors[0]
        assert "Traceback" not in end.err
    raise AssertionError("there was never room")


SIZES = [4, 16, 48, 100, 200, 400, 16_000]


@pytest.mark.parametrize("sizes", [SIZES[::2], pytest.param(SIZES, marks=pytest.mark.slow)], ids=["few", "all"])
@pytest.mark.parametrize(
    "words",
    [
        "evaluate ckpt=run data.root=set out=small/e",
        "evaluate ckpt=run data.root=set data.cache=small out=e",
        "report runs=runs resamples=10 out=small/t",
        "sort ckpt=belt.ckpt low=raw/a_low.tiff high=raw/a_high.tiff out=small/s",
        "explain ckpt=run out=small/x",
        "prepare scans=raw out=small/x label=ore",
        "simulate out=small/x pairs=60 workers=1",
        "classic data.root=set method=r_value out=small/r",
    ],
    ids=lambda words: words.partition(" ")[0] + (" cache" if "cache" in words else ""),
)
def test_a_full_disk_is_one_line(
    server: Server, disk: tuple[Path, Callable[[str], None]], words: str, sizes: list[int]
):
    assert full(server, *disk, words, sizes) > 0
    if "evaluate" in words:
        folder, _ = disk
        if "small/e" in words:
            (folder / "small/e").rename(folder / "small/was")
            (folder / "e").symlink_to("small/was")
        same_predictions(folder, None)  # type: ignore[arg-type]


def test_a_run_goes_on_once_there_is_room(server: Server, disk: tuple[Path, Callable[[str], None]]):
    folder, resize = disk
    assert full(server, folder, resize, TRAIN, [8, 24, 56, 80, 100, 120, 150, 200, 16_000]) > 1
    finished(folder, "small/cut")


def test_a_limit_on_the_size_of_files_is_one_line(server: Server, here: Here):
    folder = here("here")
    end = server.run(folder, TRAIN.replace("small/", ""), before=[["small_files", 20_000]])
    assert (end.code, len(end.errors)) == (1, 1), end.err
    assert [file.name for file in (folder / "cut").rglob("*") if file.is_file() and not whole(file)] == []
    assert leftovers(folder) == []
    assert server.run(folder, TRAIN.replace("small/", "")).code == 0
    finished(folder)


@pytest.mark.parametrize(
    "words",
    [
        f"{TRAIN.replace('small/', '')}",
        "train resume=cut",
        "evaluate ckpt=run data.root=set out=cut/e",
        "evaluate ckpt=run data.root=set data.cache=cut/c",
        "report runs=runs out=cut/t",
        "sort ckpt=belt.ckpt low=raw/a_low.tiff high=raw/a_high.tiff out=cut/s",
        "explain ckpt=run out=cut/x",
        "prepare scans=raw out=cut/x label=ore",
        "simulate out=cut/x pairs=10",
        "classic data.root=set method=r_value out=cut/r",
    ],
    ids=lambda words: words[:30],
)
def test_a_folder_that_cannot_be_written_is_one_line(server: Server, here: Here, words: str):
    if os.getuid() != 0 or ctypes.CDLL(None).unshare(0) != 0:
        pytest.skip("a file system cannot be mounted here")
    folder = here("here")
    before = {file: file.stat().st_mtime_ns for file in (folder / "cut").rglob("*")}
    end = server.run(folder, words, before=[["read_only", str(folder / "cut")]])
    assert (end.code, len(end.errors)) == (1, 1), end.err
    assert "cut" in end.errors[0]
    assert "Read-only file system" in end.errors[0]
    assert "; " in end.errors[0]
    assert {file: file.stat().st_mtime_ns for file in (folder / "cut").rglob("*")} == before
