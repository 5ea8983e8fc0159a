"""What a study leaves in its folder: tables as CSV and pictures as PNG, each whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from oresort.files.write import replacing


def save(out: Path, results: Mapping[str, pd.DataFrame | Figure], digits: str = "%.4g") -> None:
    """Write each table as `NAME.csv`, floats with `digits`, and each figure as `NAME.png`."""
    for name, result in results.items():
        with replacing(out / f"{name}.{'csv' if isinstance(result, pd.DataFrame) else 'png'}") as temporary:
            if isinstance(result, pd.DataFrame):
                result.to_csv(temporary, index=False, float_format=digits)
            else:
                result.savefig(temporary)
