"""Which share of the relevance lies inside a particle, on its rim, on its outline, on the belt: of all pairs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.console.progress import track
from oresort.learn.look.crops import Crop
from oresort.learn.look.maps import Kind, Maps, maps_of
from oresort.models.pairnet import PairNet
from oresort.represent.regions import REGIONS, relevance_shares
from oresort.represent.representation import Planes, Representation

BATCH = 32


class Looked(NamedTuple):
    """Where a model looks, in N pairs, by kind of map and region."""

    kinds: list[Kind]  # K
    mass: NDArray[np.float64]  # (N, K, 4), see `oresort.represent.regions.Shares`
    rank: NDArray[np.float64]  # (N, K, 4)
    area: NDArray[np.float64]  # (N, 4)
    cell: NDArray[np.float64]  # (N, K): side of a map's cell in detector pixels, the larger
    missing: NDArray[np.float64]  # (N,): share of the margin's change that the integral misses
    maps: dict[int, dict[Kind, NDArray[np.float32]]]  # of the kept pairs by their place, toward ore, (H', W') each


def look(
    net: PairNet,
    representation: Representation,
    planes: Planes,
    crops: Sequence[Crop],
    ore: NDArray[np.bool_] | None,
    steps: int,
    *,
    kept: frozenset[int] = frozenset(),
    about: str = "looking",
) -> Looked:
    """Return where a model looks, in pairs of `planes` (N, 4, S, S), and their crops.

    What counts as relevant speaks for the decision: `ore` (N,) says which that is; None, the answers above their median
    are ore, for models whose answers mean nothing.

    Raises:
        InputError: gradients that are not finite.
    """
    found: list[Maps] = []
    starts = range(0, len(planes), BATCH)
    for start in track(starts, len(starts), about):
        found.append(maps_of(net, representation, np.array(planes[start : start + BATCH]), steps))
    kinds = list(found[0].by_kind)
    margin = np.concatenate([part.margin for part in found])
    called = margin >= np.median(margin) if ore is None else ore
    mass, rank = np.zeros((2, len(planes), len(kinds), len(REGIONS)))
    area, cell = np.zeros((len(planes), len(REGIONS))), np.zeros((len(planes), len(kinds)))
    maps: dict[int, dict[Kind, NDArray[np.float32]]] = {}
    for i, crop in enumerate(crops):
        own = {kind: part[i % BATCH] for kind, part in found[i // BATCH].by_kind.items()}
        if i in kept:
            maps[i] = own
        for k, relevance in enumerate(own.values()):
            toward = representation.geometry.back(relevance if called[i] else -relevance, crop.shape)
            mass[i, k], rank[i, k], area[i] = relevance_shares(toward, crop.regions)
            cell[i, k] = max(side / cells for side, cells in zip(toward.shape, relevance.shape, strict=True))
    explained, missing = (np.concatenate([getattr(part, name) for part in found]) for name in ("explained", "missing"))
    lost = np.abs(missing) / np.maximum(np.abs(explained), 1e-6)
    return Looked(kinds, mass, rank, area, cell, lost.astype(np.float64), maps)
