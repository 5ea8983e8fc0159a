"""What conf/model holds, read from its folders: a new file is tested by being there."""

from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor

from oresort.models.build import build_model
from oresort.models.pairnet import PairNet
from oresort.paths import CONF_DIR

CONF = Path(CONF_DIR) / "model"
FILES = {
    group: sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    for group in ("tower", "fusion", "head")
}
NARROW = {"_target_": "oresort.models.towers.paper.PaperTower", "widths": [4, 8, 8], "squeeze": 4}
"""The paper's tower, narrow enough for hundreds of models."""


def part(group: str, name: str, **keys: Any) -> dict[str, Any]:
    """The plain dict of one file, some of its keys changed."""
    return {**OmegaConf.to_container(OmegaConf.load(CONF / group / f"{name}.yaml"), resolve=True), **keys}


def member(tower: dict[str, Any], fusion: str, head: str, channels: int = 1) -> PairNet:
    """A model of a tower with the fusion and the head of two files."""
    parts = {"tower": tower, "fusion": part("fusion", fusion), "head": part("head", head)}
    return build_model({**parts, "channels": channels})


def pairs(n: int, channels: int = 2, size: int = 9) -> Tensor:
    """Low and high energy of n pairs: (2, n, channels, size, size) float64."""
    return torch.randn(2, n, channels, size, size, dtype=torch.float64)
