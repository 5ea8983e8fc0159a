"""`python -m studies.tube_spectra [out=FILE]` makes the package's tube spectra anew with SpekPy (extra `spectra`)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from oresort.files.write import replacing
from studies.command import run_study

_ANGLE = 20.0  # of the anode, degrees; the usual one of the 160 kV tubes on sorters
_VOLTAGES = range(130, 191, 5)  # kV
_ENERGIES = np.arange(15, max(_VOLTAGES)) + 0.5  # keV; 2 mm of aluminium leave less than 1e-5 of what lies below


@dataclass
class Options:
    """Keys of the command."""

    out: Path = Path("src/oresort/xray/tube_spectra.csv")  # file to replace


def study(options: Options) -> pd.DataFrame:
    """Write the table; return each voltage's mean energy in keV."""
    import spekpy

    spectra = {}
    for kvp in _VOLTAGES:
        energy, fluence = spekpy.Spek(kvp=kvp, th=_ANGLE, dk=1.0, targ="W").get_spectrum()
        spectra[str(kvp)] = np.interp(_ENERGIES, energy, fluence, right=0.0)
    columns = {kvp: [f"{value:.5g}" for value in fluence] for kvp, fluence in spectra.items()}
    made = f"""# tungsten, anode {_ANGLE:g} degrees, no filter; photons / (cm2 keV mAs) at 1 m
# made by `python -m studies.tube_spectra` with SpekPy {spekpy.__version__}
"""
    with replacing(options.out) as temporary:
        temporary.write_text(made + pd.DataFrame({"energy_kev": _ENERGIES, **columns}).to_csv(index=False))
    means = [_ENERGIES @ fluence / fluence.sum() for fluence in spectra.values()]
    return pd.DataFrame({"kvp": _VOLTAGES, "mean_kev": means})


if __name__ == "__main__":
    run_study(Options, study)
