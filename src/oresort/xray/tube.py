"""Photon spectra of a tungsten tube, from a table made once with SpekPy (`python -m oresort.xray.tube`)."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError

ANODE_ANGLE = 20.0
"""Anode angle in degrees; the usual one of the 160 kV tubes on sorters."""

_TABLE = "tube_spectra.csv"
_FIRST_ENERGY = 15  # keV; 2 mm of aluminium leave less than 1e-5 of what lies below
_VOLTAGES = range(130, 191, 5)


@lru_cache(maxsize=1)
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return voltages (V,) in kV, energies (E,) in keV and photon fluences (E, V)."""
    text = files(__package__).joinpath(_TABLE).read_text()
    header, *rows = [line for line in text.splitlines() if not line.startswith("#")]
    voltages = np.array([float(name) for name in header.split(",")[1:]])
    values = np.array([[float(cell) for cell in row.split(",")] for row in rows])
    return voltages, values[:, 0], values[:, 1:]


def energies() -> NDArray[np.float64]:
    """Return the photon energies of every spectrum: bin centres (E,) in keV, bins 1 keV wide."""
    return _table()[1]


def tube_spectrum(kvp: float) -> NDArray[np.float64]:
    """Return the unfiltered photon fluence (E,) at `kvp` kV, in photons / (cm2 keV mAs) at 1 m.

    Between two tabulated voltages it is their linear mixture, cut at `kvp`. Source: SpekPy 2.5, model casim,
    tungsten, anode angle 20 degrees, no filter. Raises InputError outside the table.
    """
    voltages, energy, fluence = _table()
    if not voltages[0] <= kvp <= voltages[-1]:
        raise InputError(
            f"kvp={kvp:g}: the spectra reach from {voltages[0]:g} to {voltages[-1]:g} kV; choose one between"
        )
    upper = int(np.clip(np.searchsorted(voltages, kvp), 1, len(voltages) - 1))
    share = (kvp - voltages[upper - 1]) / (voltages[upper] - voltages[upper - 1])
    mixed = (1.0 - share) * fluence[:, upper - 1] + share * fluence[:, upper]
    return np.where(energy < kvp, mixed, 0.0)


def write_table(target: Path) -> None:
    """Compute the table with SpekPy (the optional extra `spectra`) and write it as CSV."""
    import spekpy

    bins = np.arange(_FIRST_ENERGY, max(_VOLTAGES)) + 0.5
    columns = []
    for kvp in _VOLTAGES:
        energy, fluence = spekpy.Spek(kvp=kvp, th=ANODE_ANGLE, dk=1.0, targ="W").get_spectrum()
        columns.append(np.interp(bins, energy, fluence, right=0.0))
    lines = [
        f"# tungsten, anode {ANODE_ANGLE:g} degrees, no filter; photons / (cm2 keV mAs) at 1 m",
        f"# made by `python -m oresort.xray.tube` with SpekPy {spekpy.__version__}",
        ",".join(["energy_kev", *map(str, _VOLTAGES)]),
    ]
    for energy, row in zip(bins, np.column_stack(columns), strict=True):
        lines.append(",".join([f"{energy:g}", *[f"{value:.5g}" for value in row]]))
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write_table(Path(__file__).with_name(_TABLE))
