"""Checkpoints of small models, and exported files of them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from zoo import NARROW

from oresort.files.dataset import RELEASED
from oresort.learn.module import OreModule
from oresort.learn.trained import Trained
from oresort.make import make
from oresort.models.inputs import Inputs
from oresort.paths import part
from oresort.represent.representation import Representation

SEEN = {
    "scans": {"air_low": {"min": 50_000.0, "median": 52_000.0, "max": 54_000.0}},
    "pairs": {"r": {"pairs": 90.0, "median": 1.6, "deviation": 0.1, "least": 1.5, "greatest": 1.7}},
    "p_ore": [4, 3, 2, 1, 0, 0, 1, 2, 3, 4],
}


def planes_of(size: int, count: int = 9, seed: int = 0) -> NDArray[np.float32]:
    """Planes of pairs of many thicknesses and ratios."""
    rng = np.random.default_rng(seed)
    grain = rng.random((count, 4, size, size), dtype=np.float32)
    return np.asarray(grain * rng.uniform(0, 4, (count, 4, 1, 1)), np.float32)


def settled(
    fusion: str = "stack", head: str = "linear", tower: dict[str, Any] | None = None, kind: str = "attenuation",
    temperature: float = 0.2, threshold: float = 0.45, **keys: Any,
) -> Trained:  # fmt: skip
    """A model whose running statistics are off their start, with the planes' representation."""
    spec = part("representation", kind, **({"size": 12} | keys))
    representation = make(spec, Representation)
    parts = {"tower": tower or NARROW, "fusion": part("model/fusion", fusion), "head": part("model/head", head)}
    model = {**parts, "channels": representation.channels}
    torch.manual_seed(0)
    module = OreModule(model=model, representation=spec, seen=SEEN)
    module.temperature.fill_(temperature)
    module.threshold.fill_(threshold)
    with torch.no_grad():
        images = Inputs(representation)(torch.from_numpy(planes_of(representation.size, 32, seed=1)))
        for _ in range(20):
            module.train()(*images)
    return Trained(Path("best.ckpt"), "0" * 64, module.eval(), representation, {}, 3, RELEASED)
