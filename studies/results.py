"""What a study leaves in its folder: tables as CSV and pictures as PNG, each whole or not at all."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from oresort.files.write import replacing


def save(out: Path, results: dict[str, pd.DataFrame | Figure], digits: str = "%.4g") -> None:
    """Write each table as `NAME.csv`, floats with `digits`, and each figure as `NAME.png`."""
    for name, result in results.items():
        table = isinstance(result, pd.DataFrame)
        with replacing(out / f"{name}.{'csv' if table else 'png'}") as temporary:
            if isinstance(result, pd.DataFrame):
                result.to_csv(temporary, index=False, float_format=digits)
            else:
                result.savefig(temporary)
