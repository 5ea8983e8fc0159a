"""Polychromatic Beer-Lambert: from millimetres of minerals to the transmission of each layer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.xray import tube
from oresort.xray.detector import Stack, response
from oresort.xray.minerals import mineral_coefficients

_EDGES = (15, 24, 28, 32, 36, 40, 44, 48, 52, 57, 62, 68, 75, 83, 92, 102, 114, 128, 145, 190)  # keV
"""Bounds of the energy groups; narrow where rock attenuates steeply and lead's edge (88 keV) alone inside."""


@dataclass(frozen=True)
class Beam:
    """One setting of tube and detector, reduced to G energy groups per layer.

    `weights` (2, G) sum to 1 per layer; `coefficients` (2, M, G) in 1/mm are the attenuation of every mineral of
    `MINERALS`, averaged over a group with the layer's own weights.
    """

    weights: NDArray[np.float32]
    coefficients: NDArray[np.float32]


def make_beam(kvp: float, stack: Stack) -> Beam:
    """Return the beam of a tube voltage in kV and a detector stack; InputError if `kvp` is not tabulated."""
    fine = response(kvp, stack)  # (2, E)
    mu = mineral_coefficients(tube.energies())  # (M, E)
    group = np.searchsorted(_EDGES, tube.energies(), side="right") - 1
    member = (group == np.arange(len(_EDGES) - 1)[:, None]).astype(float)  # (G, E)
    weights = fine @ member.T
    # an empty group (above the tube's voltage) has no weight: any finite coefficient will do
    mean = np.einsum("le,me,ge->lmg", fine, mu, member) / np.maximum(weights, 1e-30)[:, None, :]
    return Beam(weights.astype(np.float32), mean.astype(np.float32))


def transmission(
    paths: NDArray[np.float32], coefficients: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the share (N,) of one layer's air signal that passes `paths` (K, N) mm of K materials.

    By its `coefficients` (K, G) in 1/mm and `weights` (G,): T = sum_g w_g exp(-sum_k mu_kg t_k).
    """
    return np.asarray(weights @ np.exp(-(coefficients.T @ paths)))
