"""A cache that is not what it says it is, is built anew."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oresort.data.cache import cached_planes
from oresort.data.index import index_pairs
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.represent.representation import Attenuation


def keep(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda file: np.save(file, change(np.load(file)))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-1000]),
    "garbage": lambda file: file.write_bytes(bytes(range(256)) * 40),
    "one bit": lambda file: file.write_bytes(file.read_bytes()[:-3] + b"\x01" + file.read_bytes()[-2:]),
    "not a number": keep(lambda planes: np.full_like(planes, np.nan)),
    "swapped rows": keep(lambda planes: planes[::-1].copy()),
    "other shape": keep(lambda planes: planes[..., :20, :20].copy()),
    "other type": keep(lambda planes: planes.astype(np.float64)),
}


@pytest.mark.parametrize(
    ("which", "name"),
    [*(("planes-*.npy", name) for name in DAMAGES), *(("hashes-*.npz", name) for name in ("empty", "cut", "garbage"))],
)
def test_a_damaged_cache_is_built_anew(
    which: str, name: str, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    frame = index_pairs(PairsConfig(root=str(dataset)))
    whole = cached_planes(frame, dataset, Attenuation(), tmp_path)
    planes, hashes = np.array(whole.planes), whole.hashes.copy()
    (file,) = tmp_path.glob(which)
    DAMAGES[name](file)
    capsys.readouterr()
    again = cached_planes(frame, dataset, Attenuation(), tmp_path)
    np.testing.assert_array_equal(again.planes, planes)
    np.testing.assert_array_equal(again.hashes, hashes)
    assert "built anew" in capsys.readouterr().err
    assert cached_planes(frame, dataset, Attenuation(), tmp_path).planes.shape == planes.shape
    assert "built anew" not in capsys.readouterr().err


def test_a_full_disk_is_one_line_and_leaves_nothing(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(handle: int, start: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    frame = index_pairs(PairsConfig(root=str(dataset)))
    with pytest.raises(InputError, match=r"cannot write the cache \(No space left on device\); set data.cache=DIR"):
        cached_planes(frame, dataset, Attenuation(), tmp_path)
    assert list(tmp_path.iterdir()) == []
