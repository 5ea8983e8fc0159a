"""Whether a map tells the truth: the answer while what it names first is taken away, or is all that is there."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from oresort.console.progress import track
from oresort.learn.look.maps import Kind
from oresort.models.inputs import Inputs
from oresort.models.pairnet import PairNet
from oresort.represent.representation import Planes, Representation

WAYS = ("deletion", "insertion")
SHARES = np.array([0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1])
"""Of a particle's pixels, F of them, that are taken away from the pair or put onto a bare belt."""


class Curves(NamedTuple):
    """The probability of the decision, (N, K, 2 ways, 2 orders, F shares): in the map's order, and in a random one."""

    kinds: list[Kind]
    p: NDArray[np.float64]

    @property
    def area(self) -> NDArray[np.float64]:
        """Area under each curve (N, K, 2, 2): small is good for deletion, large for insertion."""
        return np.asarray(np.trapezoid(self.p, SHARES, axis=-1))


def curves(
    net: PairNet,
    representation: Representation,
    planes: Planes,
    maps: list[dict[Kind, NDArray[np.float32]]],
    ore: NDArray[np.bool_],
    temperature: float,
    seed: int,
) -> Curves:
    """Return the curves of pairs, planes (N, 4, S, S), whose decisions `ore` (N,) are explained by maps toward ore.

    The random order is that of noise as coarse as the map: single pixels strewn about would harm more than any patch.
    Deletion puts bare belt in a pixel's place. Petsiuk, Das and Saenko, BMVC 2018.
    """
    rng, kinds = np.random.default_rng(seed), list(maps[0])
    found = np.zeros((len(planes), len(kinds), len(WAYS), 2, len(SHARES)))
    for i in track(range(len(planes)), len(planes), "deleting and inserting"):
        pair = torch.from_numpy(np.array(planes[i : i + 1])).to(next(net.parameters()).device)
        particle = (pair[0, 2:].amax(0) > 0).flatten()  # (S * S,)
        sign = 1.0 if ore[i] else -1.0
        for k, kind in enumerate(kinds):
            own = maps[i][kind]
            orders = (sign * own, rng.standard_normal(own.shape).astype(np.float32))
            for o, order in enumerate(orders):
                gone = _first(torch.from_numpy(order).to(pair.device), particle, pair.shape[-1])
                found[i, k, :, o] = _answers(net, representation, pair, gone, sign, temperature)
    return Curves(kinds, found)


def _first(order: Tensor, particle: Tensor, size: int) -> Tensor:
    """Return which pixels (11, S, S) come first, by shares of the particle's."""
    wide = F.interpolate(order[None, None], (size, size), mode="bilinear", align_corners=False).flatten()
    wide = wide.masked_fill(~particle, -torch.inf)
    place = torch.empty_like(wide, dtype=torch.long)
    place[wide.argsort(descending=True, stable=True)] = torch.arange(len(wide), device=wide.device)  # 0 is the first
    counts = torch.from_numpy(np.round(SHARES * int(particle.sum())).astype(np.int64)).to(wide.device)
    return (place < counts[:, None]).reshape(-1, size, size)


def _answers(
    net: PairNet, representation: Representation, pair: Tensor, first: Tensor, sign: float, temperature: float
) -> NDArray[np.float64]:
    """Return the probability of the decision (2 ways, F)."""
    inputs = Inputs(representation)
    both = torch.cat([first, ~first])[:, None]  # (2 F, 1, S, S): where a deletion, then an insertion shows the belt
    shown = zip(inputs(pair), inputs.empty(pair), strict=True)
    with torch.inference_mode():
        logits = net(*(torch.where(both, empty, image) for image, empty in shown))
    margin = sign * (logits[:, 1] - logits[:, 0]).double() / temperature
    return np.asarray(torch.sigmoid(margin).cpu().numpy().reshape(len(WAYS), len(SHARES)))
