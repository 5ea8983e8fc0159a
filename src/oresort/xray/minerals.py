"""Minerals of copper deposits: chemistry, density and linear attenuation."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import xraylib
from numpy.typing import NDArray


class Mineral(NamedTuple):
    """Formula (integer subscripts, as xraylib reads it) and density in g/cm3."""

    formula: str
    density: float


MINERALS: dict[str, Mineral] = {
    "quartz": Mineral("SiO2", 2.65),
    "albite": Mineral("NaAlSi3O8", 2.62),
    "oligoclase": Mineral("Na8Ca2Al12Si28O80", 2.65),
    "orthoclase": Mineral("KAlSi3O8", 2.56),
    "muscovite": Mineral("KAl3Si3O12H2", 2.83),
    "biotite": Mineral("KMg2FeAlSi3O12H2", 3.00),
    "chlorite": Mineral("Mg3Fe2Al2Si3O18H8", 2.85),
    "epidote": Mineral("Ca2Al2FeSi3O13H", 3.45),
    "hornblende": Mineral("Ca2Mg3Fe2AlSi7AlO24H2", 3.20),
    "calcite": Mineral("CaCO3", 2.71),
    "dolomite": Mineral("CaMgC2O6", 2.86),
    "ankerite": Mineral("CaFeC2O6", 3.05),
    "siderite": Mineral("FeCO3", 3.96),
    "anhydrite": Mineral("CaSO4", 2.97),
    "gypsum": Mineral("CaSO6H4", 2.32),
    "kaolinite": Mineral("Al2Si2O9H4", 2.62),
    "andradite": Mineral("Ca3Fe2Si3O12", 3.86),
    "grossular": Mineral("Ca3Al2Si3O12", 3.59),
    "diopside": Mineral("CaMgSi2O6", 3.30),
    "rutile": Mineral("TiO2", 4.25),
    "magnetite": Mineral("Fe3O4", 5.18),
    "hematite": Mineral("Fe2O3", 5.26),
    "pyrite": Mineral("FeS2", 5.01),
    "pyrrhotite": Mineral("Fe7S8", 4.62),
    "chalcopyrite": Mineral("CuFeS2", 4.20),
    "bornite": Mineral("Cu5FeS4", 5.07),
    "chalcocite": Mineral("Cu2S", 5.65),
    "covellite": Mineral("CuS", 4.68),
    "malachite": Mineral("Cu2CO5H2", 3.95),
    "molybdenite": Mineral("MoS2", 5.06),
    "sphalerite": Mineral("ZnS", 4.05),
    "galena": Mineral("PbS", 7.58),
    "barite": Mineral("BaSO4", 4.48),
    "arsenopyrite": Mineral("FeAsS", 6.07),
}
"""Idealised compositions and measured densities, as tabulated in handbooks of mineralogy."""

DENSITIES = np.array([mineral.density for mineral in MINERALS.values()])  # (M,) in g/cm3


@lru_cache
def mass_fractions(formula: str) -> dict[int, float]:
    """Return the mass fractions (0-1, sum 1) of a compound's elements, by atomic number."""
    parsed = xraylib.CompoundParser(formula)
    return dict(zip(parsed["Elements"], parsed["massFractions"], strict=True))


def mass_fraction(name: str, element: str) -> float:
    """Return the mass fraction (0-1) of an element, given by its symbol, in a mineral of `MINERALS`."""
    return mass_fractions(MINERALS[name].formula).get(xraylib.SymbolToAtomicNumber(element), 0.0)


@lru_cache(maxsize=256)
def _coefficient(formula: str, density: float, energies: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array([density * xraylib.CS_Total_CP(formula, energy) for energy in energies]) / 10.0


def attenuation_coefficient(formula: str, density: float, energies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the total linear attenuation coefficient (E,) in 1/mm at `energies` (E,) in keV, by density in g/cm3.

    Source: xraylib's total cross sections (photoelectric, Rayleigh and Compton).
    """
    return _coefficient(formula, density, tuple(energies.tolist()))


def mineral_coefficients(energies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the linear attenuation (M, E) in 1/mm of all `MINERALS` at `energies` (E,) in keV."""
    return np.stack([attenuation_coefficient(*mineral, energies) for mineral in MINERALS.values()])
