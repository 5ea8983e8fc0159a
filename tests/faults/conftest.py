"""The warm process and the sound world that all faults begin with, made once a session."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.harness import Server, copied
from faults.world import build


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.end()


@pytest.fixture(scope="session")
def world(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sound things, see `world.py`; tests must not change it."""
    folder = tmp_path_factory.mktemp("world")
    build(folder, server)
    return folder


@pytest.fixture
def here(world: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Make copies of the world by name."""
    return lambda name: copied(world, tmp_path / name)
