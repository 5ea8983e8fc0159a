"""Weights & Biases beside the run folder, offline unless told otherwise."""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import wandb
from lightning.pytorch.loggers import WandbLogger

from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.learn.panels import log_panels, samples
from oresort.learn.tracking import ResultLogger
from oresort.represent.representation import Planes

_MODES = ("offline", "online", "disabled", "shared")


class WandbRun(ResultLogger, WandbLogger):
    """A run of W&B; a killed one goes on as the same.

    Args:
        save_dir: its folder in the run folder; payloads for a later `wandb sync` lie there too.
        name: of the run.
        mode: offline, online, disabled or shared.
        project: where the run belongs.
        entity: whose project; None means the user's own.
        group: runs shown together.
        job_type: kind of run.
        tags: words to filter by.
        timeout: seconds to wait for the server.
        model: keep the best checkpoint as an artifact.

    Raises:
        InputError: an unknown mode, or a server that cannot be reached.
    """

    def __init__(
        self,
        save_dir: str,
        name: str,
        mode: str = "offline",
        project: str = "oresort",
        entity: str | None = None,
        group: str | None = None,
        job_type: str = "train",
        tags: Sequence[str] = (),
        timeout: float = 30,
        model: bool = True,
    ) -> None:
        if mode not in _MODES:
            raise InputError(f"logger.wandb.mode={mode}: known are {', '.join(_MODES)}")
        folder = Path(save_dir)
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ["WANDB_DATA_DIR"] = str(folder.resolve())  # not in the home folder
        self.model = model
        super().__init__(
            save_dir=str(folder.parent), name=name, id=_run_id(folder), project=project, entity=entity,
            group=group, job_type=job_type, tags=list(tags), mode=mode, resume="allow",
            settings=wandb.Settings(init_timeout=timeout, console="off"),
        )  # fmt: skip
        try:
            _ = self.experiment
        except (wandb.errors.CommError, wandb.errors.UsageError) as error:
            why = " ".join(str(error).split())
            raise InputError(f"logger=wandb: {why}; use logger.wandb.mode=offline") from error

    def summarise(self, figures: Mapping[str, float]) -> None:
        """Add final figures to the run's summary."""
        self.experiment.summary.update(dict(figures))

    def show(
        self,
        predictions: pd.DataFrame,
        threshold: float,
        pictures: Callable[[list[str]], dict[str, Planes]],
        ckpt: Path,
    ) -> None:
        """Add curves, tables, sample pairs and the model file, see `log_panels`."""
        shown = samples(predictions[predictions["split"] == "test"], threshold)["id"].tolist()
        kept = ckpt if self.model else None
        log_panels(self.experiment, predictions, threshold, pictures(shown), kept)

    def close(self, failed: bool) -> None:
        """End the run: Lightning would hand an open one to the next job's logger."""
        wandb.finish(exit_code=int(failed))


def _run_id(folder: Path) -> str:
    # kept, so that a killed run goes on as the same run of the service
    file = folder / "id.txt"
    if not file.is_file():
        with replacing(file) as temporary:
            temporary.write_text(uuid.uuid4().hex[:8])
    return file.read_text().strip()
