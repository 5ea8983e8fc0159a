from collections.abc import Callable
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
def _seeded() -> None:
    torch.manual_seed(0)
