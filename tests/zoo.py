"""What conf/model holds, read from its folders: a new file is tested by being there."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oresort.errors import InputError
from oresort.models.build import build_model
from oresort.models.pairnet import PairNet
from oresort.paths import CONF_DIR, choices
from oresort.paths import part as part_of

FILES = {group: choices(f"model/{group}") for group in ("tower", "fusion", "head")}
NARROW = {"_target_": "oresort.models.towers.paper.PaperTower", "widths": [4, 8, 8], "squeeze": 4}
"""The paper's tower, narrow enough for hundreds of models."""


def part(group: str, name: str, conf: Path = CONF_DIR, **keys: Any) -> dict[str, Any]:
    """The plain dict of one file, some of its keys changed, and a small network where the file wants a name."""
    found = part_of(f"model/{group}", name, conf, **keys)
    return found | {"name": "resnet18"} if found.get("name") == "???" else found


def member(tower: dict[str, Any], fusion: str, head: str, channels: int = 1, conf: Path = CONF_DIR) -> PairNet:
    """A model of a tower with the fusion and the head of two files."""
    parts = {"tower": tower, "fusion": part("fusion", fusion, conf), "head": part("head", head)}
    return build_model({**parts, "channels": channels})


def smallest(name: str) -> int:
    """The smallest size in pixels, of those in use, that a published network takes."""
    for size in (40, 48, 64):
        try:
            member(part("tower", name, size=size), "stack", "linear")
        except InputError:
            continue
        return size
    return 224


def pairs(n: int, channels: int = 2, size: int = 9) -> Tensor:
    """Low and high energy of n pairs: (2, n, channels, size, size) float64."""
    return torch.randn(2, n, channels, size, size, dtype=torch.float64)
