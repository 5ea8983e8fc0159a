"""The Weights & Biases dashboard as code: one workspace that shows an experiment's runs row by row."""

import json
from typing import Any

from oresort.errors import InputError

NAME = "oresort: rows of an experiment"

CURVES = {
    "Learning": ("train/loss", "val/loss", "train/auroc", "val/auroc", "val/f1", "val/balanced_accuracy", "lr"),
    "Calibration over epochs": ("val/brier", "val/ece"),
}
"""Panels of curves over optimiser steps, by section."""

BARS = ("test/auroc", "test/f1", "test/recall", "test/precision", "test/accuracy", "test/balanced_accuracy",
        "test/average_precision", "test/brier", "test/ece")  # fmt: skip
"""Final figures, one bar a row of the experiment, mean over its seeds."""

MEDIA = ("test/pairs",)


def build(entity: str, project: str) -> Any:
    """Return the workspace, not yet saved; InputError without the extra `dashboard`.

    Runs are grouped by experiment (W&B group) and row (job type), so a curve is a row's mean over seeds.
    """
    try:
        import wandb_workspaces.reports.v2 as wr
        import wandb_workspaces.workspaces as ws
    except ImportError as error:
        raise InputError("dashboard: needs wandb-workspaces; pip install 'oresort[dashboard]'") from error
    panels: dict[str, list[Any]] = {
        name: [wr.LinePlot(title=key, x="trainer/global_step", y=[key]) for key in keys]
        for name, keys in CURVES.items()
    }
    panels["Test"] = [wr.BarPlot(title=key, metrics=[key]) for key in BARS]
    panels["Pairs"] = [wr.MediaBrowser(media_keys=[key]) for key in MEDIA]
    sections = [ws.Section(name=name, panels=shown, is_open=name != "Pairs") for name, shown in panels.items()]
    grouping = ws.RunsetSettings(groupby=[ws.Metric("Group"), ws.Metric("JobType")])
    return ws.Workspace(entity=entity, project=project, name=NAME, sections=sections, runset_settings=grouping)


def specification(workspace: Any) -> dict[str, Any]:
    """Return what `save` would send, as plain data."""
    content: dict[str, Any] = json.loads(workspace._to_model().spec.model_dump_json(by_alias=True, exclude_none=True))
    return content
