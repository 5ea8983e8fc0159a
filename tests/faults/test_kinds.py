"""Every kind of fault ends as the table says: in one line that refuses, or in what a sound input gives."""

import importlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from faults.harness import End, Kind, Server, copied, wrong_with

GROUPS = [file.stem for file in sorted(Path(__file__).with_name("kinds").glob("[a-z]*.py")) if file.stem != "checks"]
TABLE: list[Kind] = [kind for group in GROUPS for kind in importlib.import_module(f"faults.kinds.{group}").KINDS]


class Tried:
    """The kinds that this session has chosen, run side by side from the first that is asked for on."""

    def __init__(self, server: Server, world: Path, folder: Path, kinds: list[Kind]) -> None:
        self.server, self.world, self.folder = server, world, folder
        self.base = server.run(world, "report --help").bytes
        self._pool = ThreadPoolExecutor(os.cpu_count())
        self._ends: dict[str, Future[list[str]]] = {k.name: self._pool.submit(self._try, k) for k in kinds}

    def wrong_with(self, kind: Kind) -> list[str]:
        """Return what went wrong with a kind."""
        return self._ends.pop(kind.name).result()

    def close(self) -> None:
        """Run no more of them."""
        self._pool.shutdown(cancel_futures=True)

    def _try(self, kind: Kind) -> list[str]:
        here = copied(self.world, self.folder / str(TABLE.index(kind)) / "here")
        try:
            if kind.broken:
                kind.broken(here)
            end = self.server.run(here, kind.words, before=kind.before)
            found = wrong_with(kind, end, self.base, here)
            return [*found, _told(end)] if found else []
        finally:
            subprocess.run(["rm", "-rf", str(here.parent)], check=False)


def _told(end: End) -> str:
    return f"code {end.code} after {end.seconds:.1f} s\n{end.out[-500:]}\n{end.err[-3000:]}"


@pytest.fixture(scope="module")
def tried(request: pytest.FixtureRequest, server: Server, world: Path) -> Iterator[Tried]:
    items = [item for item in request.session.items if item.module is request.module and hasattr(item, "callspec")]
    kinds = [item.callspec.params["kind"] for item in items]
    memory = Path("/dev/shm")  # hundreds of copies of the world would be most of the work on a disk
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        tried = Tried(server, world, Path(folder), kinds)
        yield tried
        tried.close()


def repeated(table: list[Kind]) -> set[str]:
    """Names of rows that differ from others by their reader alone, or set a key and a value that others set."""
    found, known = set[str](), set[tuple[str, str | None]]()
    for kind in table:
        if kind.name.startswith(("scan: ", "same command: ")):
            found.add(kind.name)
        elif not kind.broken and isinstance(kind.words, str):
            setting, _, value = kind.words.rstrip("'").rpartition("=")
            verb = setting.partition(" ")[0]
            sets = {(setting, kind.says), (verb, value)}
            if sets <= known:
                found.add(kind.name)
            known |= sets
    return found


LONG = repeated(TABLE)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, id=k.name, marks=pytest.mark.slow if k.name in LONG else ()) for k in TABLE]
)
def test_it_ends_as_the_table_says(kind: Kind, tried: Tried):
    assert tried.wrong_with(kind) == [], f"{kind.words}"


def test_the_table_has_many_kinds_and_each_once():
    names = [kind.name for kind in TABLE]
    assert len(set(names)) == len(names) >= 250
    assert len(set(names) - LONG) >= 500
