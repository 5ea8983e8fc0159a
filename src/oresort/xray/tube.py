"""Photon spectra of a tungsten tube, from a table made once with SpekPy (`python -m studies.tube_spectra`)."""

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError


@lru_cache(maxsize=1)
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return voltages (V,) in kV, energies (E,) in keV and photon fluences (E, V)."""
    header, *rows = files(__package__).joinpath("tube_spectra.csv").read_text().splitlines()[2:]
    values = np.loadtxt(rows, delimiter=",")
    return np.array(header.split(",")[1:], dtype=float), values[:, 0], values[:, 1:]


def energies() -> NDArray[np.float64]:
    """Return the photon energies of every spectrum: bin centres (E,) in keV, bins 1 keV wide."""
    return _table()[1]


def tube_spectrum(kvp: float) -> NDArray[np.float64]:
    """Return the unfiltered photon fluence (E,) at `kvp` kV, in photons / (cm2 keV mAs) at 1 m.

    Between two tabulated voltages it is their linear mixture, cut at `kvp`. Source: SpekPy 2.5, model casim, tungsten,
    anode angle 20 degrees, no filter. InputError outside the table.
    """
    voltages, energy, fluence = _table()
    first, last = voltages[0], voltages[-1]
    if not first <= kvp <= last:
        raise InputError(f"kvp={kvp:g}: the spectra reach from {first:g} to {last:g} kV; choose one between")
    upper = int(np.clip(np.searchsorted(voltages, kvp), 1, len(voltages) - 1))
    share = (kvp - voltages[upper - 1]) / (voltages[upper] - voltages[upper - 1])
    mixed = (1.0 - share) * fluence[:, upper - 1] + share * fluence[:, upper]
    return np.where(energy < kvp, mixed, 0.0)
