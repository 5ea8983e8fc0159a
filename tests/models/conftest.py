from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from zoo import part


@pytest.fixture
def spec() -> Callable[..., dict[str, Any]]:
    """Make the dict of a model: the paper's, but for what is named."""

    def of(fusion: str = "hybrid", share: bool = False, channels: int = 1, **head: Any):
        parts = {"tower": part("tower", "paper"), "fusion": part("fusion", fusion)}
        return {**parts, "head": part("head", "kan", **head), "share": share, "channels": channels}

    return of


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy machine torch's threads wait for one another: 100 s instead of 10
    yield
    torch.set_num_threads(threads)
