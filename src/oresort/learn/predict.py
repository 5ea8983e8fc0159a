"""Probabilities of ore for particles that were cut out of a scan."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from oresort.console.progress import track
from oresort.learn.checkpoint import Trained
from oresort.models.inputs import Inputs
from oresort.scan.cut.crop import Cut

BATCH = 64


def classify(
    trained: Trained, cuts: Sequence[Cut], air: float, background: str, device: torch.device
) -> NDArray[np.float32]:
    """Return p_ore (N,) of particles, prepared as the checkpoint's training pairs were.

    Args:
        trained: the model and its representation.
        cuts: particles cut out of both layers.
        air: air level of both layers' crops in counts.
        background: `zero` or `air`, as the particles were cut.
        device: where to compute.
    """
    net, representation = trained.module.to(device), trained.representation
    inputs = Inputs(representation)
    p_ore = [np.zeros(0, np.float32)]
    batches = [cuts[start : start + BATCH] for start in range(0, len(cuts), BATCH)]
    for batch in track(batches, len(batches), "classifying particles"):
        planes = [representation.planes(cut.low, cut.high, air, background) for cut in batch]
        images = inputs(torch.from_numpy(np.stack(planes)))
        with torch.inference_mode():
            logits = net(*(image.to(device) for image in images))
        p_ore.append(logits.float().softmax(dim=1)[:, 1].cpu().numpy())
    return np.concatenate(p_ore)
