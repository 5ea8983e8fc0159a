"""A cache that is not what it says it is, is built anew; what a kill leaves of one is gone on with."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pairs import write_released

from oresort.data import cache
from oresort.data.cache import cached_planes
from oresort.data.index import index_pairs
from oresort.data.settings import PairsConfig
from oresort.data.store import Store
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
    [
        *(("planes-*.npy", name) for name in DAMAGES),
        *((which, name) for which in ("hashes-*.npy", "sums-*.npy") for name in ("empty", "cut", "garbage", "one bit")),
    ],
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


class Clock:
    """Stops a build after some shards, as a kill does, and counts what is read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.puts, self.reads, self.most = 0, 0, 10**9
        put, read = Store.put, cache.read_counts

        def counted_put(store: Store, *args: Any) -> None:
            if self.puts == self.most:
                raise KeyboardInterrupt
            self.puts += 1
            put(store, *args)

        def counted_read(*what: Any) -> Any:
            self.reads += 1
            return read(*what)

        monkeypatch.setattr(Store, "put", counted_put)
        monkeypatch.setattr(cache, "read_counts", counted_read)


@pytest.fixture
def shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of seven rows, made in this process."""
    monkeypatch.setattr("oresort.data.store._ROWS", 7)
    monkeypatch.setattr(cache, "_FEW", 10**9)


def planes_of(root: Path, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    found = cached_planes(index_pairs(PairsConfig(root=str(root))), root, Attenuation(), folder)
    return np.array(found.planes), found.hashes


def same(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.usefixtures("shards")
@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_build_that_was_stopped_goes_on(after: int, dataset: Path, tmp_path: Path, monkeypatch: Any, capsys: Any):
    whole = planes_of(dataset, tmp_path / "whole")
    clock = Clock(monkeypatch)
    clock.most = after
    with pytest.raises(KeyboardInterrupt):
        planes_of(dataset, tmp_path / "cut")
    clock.most, clock.reads = 10**9, 0
    capsys.readouterr()
    assert same(planes_of(dataset, tmp_path / "cut"), whole)
    assert clock.reads == 48 - 7 * after
    assert (f"{after} of 7 shards are there, going on" in capsys.readouterr().err) == (after > 0)
    assert not list(tmp_path.rglob("*.lock"))


@pytest.mark.usefixtures("shards")
def test_only_the_shard_that_is_damaged_is_built_anew(dataset: Path, tmp_path: Path, monkeypatch: Any, capsys: Any):
    whole = planes_of(dataset, tmp_path)
    (file,) = tmp_path.glob("planes-*.npy")
    DAMAGES["one bit"](file)
    clock = Clock(monkeypatch)
    assert same(planes_of(dataset, tmp_path), whole)
    assert clock.reads == 48 - 42
    assert "1 of 7 shards" in capsys.readouterr().err


@pytest.mark.usefixtures("shards")
def test_a_disk_that_does_not_keep_what_is_written_is_said(dataset: Path, tmp_path: Path, monkeypatch: Any):
    write = Store._write

    def lossy(store: Store, file: Path, start: int, rows: np.ndarray) -> None:
        write(store, file, start, rows * 0 if file.name.startswith("planes") and start else rows)

    monkeypatch.setattr(Store, "_write", lossy)
    with pytest.raises(InputError, match="is not what was written to it"):
        planes_of(dataset, tmp_path)


@pytest.mark.usefixtures("shards")
def test_a_bad_image_leaves_no_files_behind(tmp_path: Path):
    root = write_released(tmp_path / "set")
    low = sorted(root.rglob("low.tiff"))[-1]
    low.write_bytes(low.read_bytes()[:-200])
    with pytest.raises(InputError, match="not a whole TIFF"):
        planes_of(root, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_several_processes_make_the_same_planes(dataset: Path, tmp_path: Path, monkeypatch: Any):
    whole = planes_of(dataset, tmp_path / "one")
    monkeypatch.setattr("oresort.data.store._ROWS", 7)
    monkeypatch.setattr(cache, "cores", lambda: 2)
    assert same(planes_of(dataset, tmp_path / "two"), whole)


class Dying(Attenuation):
    """Takes its process down."""

    def planes(self, *_: Any) -> Any:
        os._exit(9)


def test_a_process_that_dies_is_said_and_the_rest_stays(dataset: Path, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr("oresort.data.store._ROWS", 7)
    monkeypatch.setattr(cache, "cores", lambda: 2)
    frame = index_pairs(PairsConfig(root=str(dataset)))
    with pytest.raises(InputError, match=r"preparing shards: one of 2 processes died.*run the same command again"):
        cached_planes(frame, dataset, Dying(), tmp_path)
    assert len(list(tmp_path.glob("planes-*.npy"))) == 1


def test_a_script_without_a_guard_is_not_run_again_by_its_processes(dataset: Path, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        "print('once')\n"
        "from pathlib import Path\n"
        "from oresort.data import cache, index, settings, store\n"
        "from oresort.represent.representation import Attenuation\n"
        "store._ROWS, cache.cores = 7, lambda: 2\n"
        f"root = Path({str(dataset)!r})\n"
        "frame = index.index_pairs(settings.PairsConfig(root=str(root)))\n"
        f"print(len(cache.cached_planes(frame, root, Attenuation(), Path({str(tmp_path)!r})).planes))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "once\n48\n", done.stderr


def test_two_commands_at_once_make_the_planes_once(dataset: Path, tmp_path: Path, monkeypatch: Any, capsys: Any):
    clock = Clock(monkeypatch)
    with ThreadPoolExecutor() as pool:  # locks are of the open file, so threads keep each other out, too
        both = list(pool.map(lambda _: planes_of(dataset, tmp_path), range(2)))
    assert same(*both)
    assert clock.reads == 48


class Careless(Attenuation):
    """A user's own, which divides by counts of 0."""

    def quantity(self, counts: NDArray[np.uint16], air: float) -> NDArray[np.float32]:
        return np.full(counts.shape, np.nan, np.float32)


def test_values_that_are_no_numbers_are_the_representations_fault(dataset: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"representation: Careless makes values of .*low\.tiff that are no numbers"):
        cached_planes(index_pairs(PairsConfig(root=str(dataset))), dataset, Careless(), tmp_path)
