"""The dual-layer detector: which energies the front and the rear layer weigh, and how much."""

from dataclasses import dataclass

import numpy as np
import xraylib
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.xray import tube
from oresort.xray.minerals import attenuation_coefficient, mass_fractions

# formula, density in g/cm3
_GOS, _CSI = ("Gd2O2S", 7.32), ("CsI", 4.51)
_ALUMINIUM, _COPPER, _DUST = ("Al", 2.699), ("Cu", 8.96), ("SiO2", 2.65)


@dataclass(frozen=True)
class Stack:
    """What the beam passes through from tube to rear layer; thicknesses in mm of solid material.

    The defaults are a reference: with them pure minerals have the ratios that the tests know.
    """

    aluminium: float = 2.0  # filter of the tube
    copper: float = 0.3  # filter of the tube
    film: float = 0.0  # rock dust on the belt; flat-fielding hides its loss, not its hardening
    front: float = 0.24  # Gd2O2S: 0.4 mm of screen packed at 60 %
    between: float = 1.2  # copper between the layers
    rear: float = 4.0  # CsI

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 0 or (name in ("front", "rear") and value == 0):
                raise InputError(f"detector stack: {name}={value:g} mm; give a positive thickness")


def _passed(material: tuple[str, float], thickness: float, energies: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-thickness * attenuation_coefficient(*material, energies))


def _absorbed(material: tuple[str, float], thickness: float, energies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the incident energy that stays in a layer: interaction times energy transfer."""
    formula, density = material
    total = attenuation_coefficient(formula, density, energies)
    shares = mass_fractions(formula).items()
    per_cm = [density * sum(w * xraylib.CS_Energy(z, float(e)) for z, w in shares) for e in energies]
    return (1.0 - np.exp(-thickness * total)) * np.minimum(np.array(per_cm) / 10.0 / total, 1.0)


def deposited(stack: Stack) -> NDArray[np.float64]:
    """Return the share (2, E) of a photon's energy, on leaving the tube, that the low and high layer keep.

    Each is the transmission of all that lies before the layer, times (1 - exp(-mu t)) mu_en / mu of the layer.
    """
    energies = tube.energies()
    before = _passed(_ALUMINIUM, stack.aluminium, energies) * _passed(_COPPER, stack.copper, energies)
    before = before * _passed(_DUST, stack.film, energies)
    low = before * _absorbed(_GOS, stack.front, energies)
    through = before * _passed(_GOS, stack.front, energies) * _passed(_COPPER, stack.between, energies)
    return np.stack([low, through * _absorbed(_CSI, stack.rear, energies)])


def response(kvp: float, stack: Stack) -> NDArray[np.float64]:
    """Return the weight (2, E) of each energy in the low and the high signal in air; each row sums to 1.

    Energy-integrating: fluence times energy times the share deposited. InputError if `kvp` is not tabulated.
    """
    signal = tube.tube_spectrum(kvp) * tube.energies() * deposited(stack)
    return np.asarray(signal / signal.sum(axis=1, keepdims=True))
