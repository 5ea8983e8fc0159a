from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

MODELS = "oresort.models"
ROOM = {"Hybrid": "hybrid", "Mean": "decision", "Stack": "data"}


@pytest.fixture
def spec() -> Callable[..., dict[str, Any]]:
    """Make the dict of a model: the paper's, but for what is named."""

    def of(
        fusion: str = "Hybrid", head: str = "KAN", share: bool = False, channels: int = 1, **head_keys: Any
    ):
        return {
            "tower": {"_target_": f"{MODELS}.towers.paper.PaperTower"},
            "fusion": {"_target_": f"{MODELS}.fusions.{ROOM.get(fusion, 'feature')}.{fusion}"},
            "head": {"_target_": f"{MODELS}.heads.{'kan' if head == 'KAN' else 'mlp'}.{head}", **head_keys},
            "share": share,
            "channels": channels,
        }

    return of


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy machine torch's threads wait for one another: 100 s instead of 10
    yield
    torch.set_num_threads(threads)
