"""What a model is compared with that cannot know: the same network untrained, and trained on labels that are shuffled.

Where those look is what shape and thickness alone draw a network to. Adebayo et al., NeurIPS 2018.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch.nn.modules.batchnorm import _BatchNorm

from oresort.console.progress import track
from oresort.learn.trained import Trained
from oresort.models.build import build_model
from oresort.models.inputs import Inputs
from oresort.models.pairnet import PairNet
from oresort.represent.representation import Planes

CONTROLS = ("random", "shuffled")
"""Weights as they are drawn; weights trained on shuffled labels."""

MOST = 2_000
"""Training pairs that a control sees, at most."""

EPOCHS = 4
_BATCH, _RATE = 64, 1e-3  # of AdamW


def control(name: str, trained: Trained, planes: Planes, label: NDArray[np.int64], seed: int) -> PairNet:
    """Return a control of `CONTROLS` for a model, for inference and on its device; it is the same for the same `seed`.

    Args:
        name: which.
        trained: the model whose network is made anew.
        planes: of training pairs (N, 4, S, S).
        label: theirs (N,), 0 or 1.
        seed: of weights, order and shuffling.
    """
    device = trained.module.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        net = build_model(trained.module.hparams["model"]).to(device)
        if name == "shuffled":
            _train(net, trained, planes, np.random.default_rng(seed).permutation(label), seed)
        else:
            _measure(net, trained, planes)
    return net.eval().requires_grad_(False)


def _batches(trained: Trained, planes: Planes, order: NDArray[np.int64]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    inputs = Inputs(trained.representation)
    # a last batch of one pair would give batch norm nothing to normalise by
    for start in range(0, max(len(order) - 1, 1), _BATCH):
        batch = torch.from_numpy(np.array(planes[order[start : start + _BATCH]])).to(trained.module.device)
        yield inputs(batch)


def _measure(net: PairNet, trained: Trained, planes: Planes) -> None:
    """Give batch norms the statistics of real pairs: with those that they start with signals fade or burst."""
    net.train()
    for module in net.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = None  # the plain mean over all batches
    with torch.no_grad():
        for images in _batches(trained, planes, np.arange(min(len(planes), 8 * _BATCH))):
            net(*images)


def _train(net: PairNet, trained: Trained, planes: Planes, label: NDArray[np.int64], seed: int) -> None:
    rng, device = np.random.default_rng(seed), trained.module.device
    optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE)
    net.train()
    steps = EPOCHS * -(-max(len(planes) - 1, 1) // _BATCH)
    with torch.enable_grad():
        for number in track(range(EPOCHS), EPOCHS, f"training on shuffled labels ({steps} steps)"):
            for group in optimiser.param_groups:
                group["lr"] = _RATE * (1 - number / EPOCHS)
            order = rng.permutation(len(planes))
            for start, images in enumerate(_batches(trained, planes, order)):
                wanted = torch.from_numpy(label[order[start * _BATCH : start * _BATCH + _BATCH]]).to(device)
                optimiser.zero_grad()
                torch.autograd.backward(F.cross_entropy(net(*images), wanted))
                optimiser.step()
