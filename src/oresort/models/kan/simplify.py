"""A trained model with simpler KAN heads: fewer edges, functions of another degree."""

import copy
from collections.abc import Mapping
from typing import Any

from torch import nn

from oresort.errors import InputError
from oresort.models.heads.kan import KAN, kan_layers
from oresort.models.kan import edges
from oresort.models.kan.bases import Chebyshev
from oresort.models.pairnet import PairNet


def simplify(
    model: PairNet, spec: Mapping[str, Any], keep: float | None = None, degree: int | None = None
) -> dict[str, Any]:
    """Prune the KAN heads of a model made of `spec` in place, change their degree, and return the spec that fits them.

    `keep` is a share of every layer's edges, see `edges.prune`, and `degree` that of all layers, see
    `edges.with_degree`; None leaves either as it is.

    Raises:
        InputError: a head that is no `KAN`, or what `edges` refuses.
    """
    changed = copy.deepcopy(dict(spec))
    heads = [head for head in model.heads if isinstance(head, KAN)]
    if len(heads) < len(model.heads):
        raise InputError("model: its head is no KAN, so there is nothing to simplify")
    for head in heads:
        if degree is not None:  # first, so that edges are judged by what is left of them
            head.layers = nn.Sequential(*(edges.with_degree(layer, degree) for layer in kan_layers(head)))
        if keep is not None:
            for layer in kan_layers(head):
                edges.prune(layer, keep)
    if degree is not None:
        path = f"{Chebyshev.__module__}.{Chebyshev.__qualname__}"
        changed["head"] = {**changed["head"], "basis": {"_target_": path, "degree": degree}}
    return changed
