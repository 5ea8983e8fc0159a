"""What a user names is opened only where it is a regular file of a size that fits."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from oresort.errors import InputError
from oresort.files.dataset import read_dataset
from oresort.files.image import read_image
from oresort.files.manifest import load_manifest
from oresort.files.reading import MOST_TABLE, MOST_TEXT, read_json, read_mapping, read_table

READERS = {
    "a.tiff": read_image,
    "a.png": read_image,
    "a.json": lambda path: read_json(path, "write it again"),
    "a.yaml": lambda path: read_mapping(path, "write it again"),
    "a.csv": lambda path: read_table(path, ["id"]),
    "dataset.json": lambda path: read_dataset(path.parent),
    "manifest.csv": lambda path: load_manifest(path.parent),
}


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


MADE: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
    "loop": lambda path: path.symlink_to(path),
    "nowhere": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_regular_file_is_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
):
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    MADE[kind](Path(name))
    with pytest.raises(InputError) as caught:
        READERS[name](Path(name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.tiff", "a.png", "a.json", "a.yaml", "a.csv"])
def test_a_sparse_file_of_40_gb_is_refused_unread(tmp_path: Path, name: str):
    with (tmp_path / name).open("wb") as stream:
        stream.truncate(40 * 2**30)
    with pytest.raises(InputError, match=rf"{name}: 42,949,672,960 bytes"):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", ["a.tiff", "a.json", "a.csv"])
@pytest.mark.parametrize("path", ["x\0", "x" * 5000])
def test_odd_paths_are_refused(tmp_path: Path, name: str, path: str):
    with pytest.raises(InputError):
        READERS[name](tmp_path / path / name)


def test_the_bounds_let_the_papers_dataset_through():
    assert MOST_TEXT > 10 * 31_057 * 60
    assert MOST_TABLE > 5 * 31_057 * 300


def test_aliases_that_multiply_are_refused(tmp_path: Path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    (tmp_path / "a.yaml").write_text("\n".join(lines))
    with pytest.raises(InputError, match="too many values"):
        read_mapping(tmp_path / "a.yaml", "write it again")
