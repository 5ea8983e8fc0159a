"""The table of a run's epochs, as a logger of Lightning."""

from pathlib import Path
from typing import Any

import pandas as pd
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from oresort.files.write import replacing


class EpochLogger(Logger):
    """Keeps `metrics.csv`: one row an epoch, rewritten whole, so that a killed run can go on with it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.rows: dict[int, dict[str, Any]] = {}
        if file.is_file():
            for row in pd.read_csv(file).to_dict("records"):
                self.rows[int(row["epoch"])] = {str(key): value for key, value in row.items()}

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "epochs"

    @property
    def version(self) -> str:
        """Unused: a run has one table."""
        return ""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add the figures of an epoch to its row."""
        if "epoch" not in metrics:
            return
        epoch = int(metrics["epoch"])
        self.rows.setdefault(epoch, {"epoch": epoch}).update({k: v for k, v in metrics.items() if k != "epoch"})
        with replacing(self.file) as temporary:
            pd.DataFrame([self.rows[key] for key in sorted(self.rows)]).to_csv(temporary, index=False)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: `config.yaml` holds them."""
