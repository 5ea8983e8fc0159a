"""A file of weights is loaded, refused, or said to be unreadable here and now; never one for the other."""

import zipfile
from pathlib import Path

import pytest
import torch

from oresort.errors import InputError
from oresort.models.weights import load_safely


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.save({"weight": torch.arange(1000.0)}, tmp_path / "a.pt")
    return tmp_path / "a.pt"


def load(file: Path) -> object:
    return load_safely(file, "damaged", "remove it")


def test_what_was_saved_is_loaded(file: Path):
    assert torch.equal(load(file)["weight"], torch.arange(1000.0))


def test_one_flipped_bit_is_damage(file: Path):
    data = bytearray(file.read_bytes())
    place = data.find(torch.tensor([500.0]).numpy().tobytes())
    data[place] ^= 1
    file.write_bytes(data)
    assert not torch.equal(torch.load(file, weights_only=True)["weight"], torch.arange(1000.0))  # unnoticed by torch
    with pytest.raises(InputError, match=r"a\.pt: damaged; remove it"):
        load(file)


def test_what_is_packed_is_refused_before_it_is_unpacked(file: Path, tmp_path: Path):
    with zipfile.ZipFile(file) as plain, zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    with pytest.raises(InputError, match=r"b\.pt: damaged"):
        load(tmp_path / "b.pt")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(5, "Input/output error"), "Input/output error; see to its permissions, or to the disk"),
        (PermissionError(13, "Permission denied"), "Permission denied; see to"),
        (MemoryError(), "does not fit into memory"),
        (RuntimeError("whatever"), "damaged; remove it"),
    ],
)
def test_a_whole_file_that_cannot_be_read_now_is_not_called_damaged(
    file: Path, error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
):
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch, "load", fails)
    with pytest.raises(InputError, match=rf"a\.pt: {words}"):
        load(file)
