"""What if a particle were thicker, or held more of a mineral: attenuation changed by the physics, all else as it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.xray.beam import Beam, transmission
from oresort.xray.minerals import DENSITIES, MINERALS

Layers = NDArray[np.float32]

_THICKEST = 200.0  # mm; beyond it nothing of the beam is left to tell
_STEPS = 2_001  # of the table from attenuation to thickness


class Change(NamedTuple):
    """One change of a particle; what it adds of a mineral takes the host's place."""

    name: str
    thicker: float = 0.0  # share of its thickness
    mineral: str = "chalcopyrite"
    percent: float = 0.0  # of its mass, in percentage points


CHANGES = (
    Change("10 % thicker", thicker=0.1),
    Change("10 % thinner", thicker=-0.1),
    Change("0.1 % more chalcopyrite", percent=0.1),
    Change("1 % more chalcopyrite", percent=1.0),
    Change("2 % more pyrite", mineral="pyrite", percent=2.0),
    Change("2 % more magnetite", mineral="magnetite", percent=2.0),
)
"""Those that a model's sensitivity is given for."""


@dataclass(frozen=True)
class Host:
    """Ordinary rock in a beam: `shares` are its minerals' volumes by name, of sum 1.

    Raises:
        InputError: an unknown mineral, or shares that do not add up.
    """

    beam: Beam
    shares: Mapping[str, float]

    def __post_init__(self) -> None:
        if unknown := [name for name in self.shares if name not in MINERALS]:
            raise InputError(f"host rock: {unknown[0]!r} is no mineral here; known are {', '.join(MINERALS)}")
        if abs(sum(self.shares.values()) - 1) > 1e-6:
            raise InputError("host rock: the minerals' shares of volume must add up to 1")

    def attenuation(self, thickness: Layers, mineral: str = "chalcopyrite", percent: float = 0.0) -> Layers:
        """Return l and h, (2, N), of thicknesses (N,) in mm that hold `percent` of their mass of a mineral.

        The mineral is spread evenly and takes the host's place: the thickness stays.
        """
        names = list(MINERALS)
        volumes = np.zeros(len(names))
        for name, share in self.shares.items():
            volumes[names.index(name)] = share
        mass, place = percent / 100, names.index(mineral)
        added = mass / DENSITIES[place]
        added /= added + (1 - mass) / float(volumes @ DENSITIES)  # a share of the volume
        volumes *= 1 - added
        volumes[place] += added
        coefficients = np.einsum("m,lmg->lg", volumes, self.beam.coefficients).astype(np.float32)  # (2, G)
        passed = [
            transmission(thickness[None, :], own[None, :], weights)
            for own, weights in zip(coefficients, self.beam.weights, strict=True)
        ]
        return np.asarray(-np.log(np.stack(passed)), np.float32)

    def thickness(self, seen: Layers, layer: int = 1) -> Layers:
        """Return the thickness (N,) in mm at which the host has an attenuation (N,) in a layer, 0 low or 1 high.

        It is 0 where the attenuation, by noise, is below 0.
        """
        table = np.linspace(0.0, _THICKEST, _STEPS, dtype=np.float32)
        return np.asarray(np.interp(seen, self.attenuation(table)[layer], table), np.float32)

    def changed(
        self, low: Layers, high: Layers, change: Change, smooth: Callable[[Layers], Layers] | None = None
    ) -> tuple[Layers, Layers]:
        """Return l and h (N,) of a particle's pixels after a change.

        The high layer says how thick the host is. What the layers see beside the host is rock of another kind, which
        grows with the thickness, and noise of counting, which grows as the root of the counts that are lost. `smooth`
        parts them: of the rest (2, N) it leaves the rock; None, all is rock.
        """
        thickness = self.thickness(high)
        host = self.attenuation(thickness)  # (2, N)
        factor = np.float32(1 + change.thicker)
        other = self.attenuation(factor * thickness, change.mineral, change.percent)
        rest = np.stack([low, high]) - host
        rock = rest if smooth is None else smooth(rest)
        new = other + factor * rock + (rest - rock) * np.exp((other - host) / 2)
        return new[0], new[1]
