"""What a Weights & Biases run shows of a finished training: curves, tables, pairs and the model file."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from oresort.represent.representation import Planes
from oresort.sorting.decide import is_ore

_MOST_POINTS = 400
"""Points of a curve; a custom chart of the service shows at most 10,000."""

_BINS = 10
_SAMPLES = 4
"""Pairs shown of each kind: the surest right and wrong ones of either class."""

_ENLARGED = 4


def log_panels(
    run: Any, predictions: pd.DataFrame, threshold: float, pictures: dict[str, Planes], ckpt: Path | None
) -> None:
    """Log charts, tables and pictures of the test pairs, and the model file, to an open run.

    Args:
        run: of wandb.
        predictions: `id, scan, split, label (ore|waste), p_ore` of all splits.
        threshold: at which a pair is called ore.
        pictures: planes (4, S, S) of the pairs of `samples`, by id.
        ckpt: model file to keep as an artifact; None keeps none.
    """
    import wandb

    test = predictions[predictions["split"] == "test"]
    ore, p_ore = (test["label"] == "ore").to_numpy(), test["p_ore"].to_numpy(np.float64)
    for key, (title, frame) in curves(ore, p_ore).items():
        x, y = frame.columns
        run.log({f"test/{key}": wandb.plot.line(wandb.Table(dataframe=frame), x, y, title=f"{title}, test")})
    classes = ["waste", "ore"]
    called = is_ore(p_ore, threshold).astype(int).tolist()
    run.log(
        {
            "test/confusion": wandb.plot.confusion_matrix(
                y_true=ore.astype(int).tolist(), preds=called, class_names=classes, title="Confusion, test"
            ),
            "predictions": wandb.Table(dataframe=predictions),
        }
    )
    shown = samples(test, threshold).query("id in @pictures", local_dict={"pictures": list(pictures)})
    images = [
        wandb.Image(side_by_side(pictures[pair]), caption=f"{kind}: p(ore) {p:.2f}, {pair}")
        for pair, kind, p in zip(shown["id"], shown["kind"], shown["p_ore"], strict=True)
    ]
    run.log({"test/pairs": images})
    if ckpt is not None:
        artifact = wandb.Artifact(f"model-{run.id}", type="model")
        artifact.add_file(str(ckpt))
        run.log_artifact(artifact, aliases=["best"])


def curves(ore: NDArray[np.bool_], p_ore: NDArray[np.float64]) -> dict[str, tuple[str, pd.DataFrame]]:
    """Return titles and curves, x and y as shares of 1, by key; none for pairs of one class alone.

    `roc` is `false_ore, recall`, `pr` is `recall, precision`, and `reliability` is `p_ore` (mean), `share_ore`
    of equal bins of probability that hold any pair.
    """
    if ore.all() or not ore.any():
        return {}
    false_ore, recall, _ = roc_curve(ore, p_ore)
    precision, found, _ = precision_recall_curve(ore, p_ore)
    share, mean = calibration_curve(ore, p_ore, n_bins=_BINS)
    return {
        "roc": ("ROC", _thin(pd.DataFrame({"false_ore": false_ore, "recall": recall}))),
        "pr": ("Precision and recall", _thin(pd.DataFrame({"recall": found, "precision": precision}))),
        "reliability": ("Reliability", pd.DataFrame({"p_ore": mean, "share_ore": share})),
    }


def samples(test: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the surest right and wrong test pairs of either class, `kind` among their columns."""
    called = np.where(is_ore(test["p_ore"].to_numpy(), threshold), "ore", "waste")
    right = np.where(test["label"] == called, "right", "wrong")
    kinds = test.assign(kind=[f"{r}ly called {c}" for r, c in zip(right, called, strict=True)])
    kinds = kinds.assign(sure=(kinds["p_ore"] - threshold).abs()).sort_values("sure", ascending=False)
    return kinds.groupby("kind", sort=True).head(_SAMPLES).sort_values(["kind", "sure"]).drop(columns="sure")


def side_by_side(planes: Planes) -> NDArray[np.uint8]:
    """Return low beside high of planes (4, S, S) as one grey picture (4 S, 8 S + gap), each in its own range."""
    parts = []
    for plane in planes[:2]:
        low, high = float(plane.min()), float(plane.max())
        grey = np.rint(255 * (plane - low) / max(high - low, 1e-6)).astype(np.uint8)
        parts += [
            np.kron(grey, np.ones((_ENLARGED, _ENLARGED), np.uint8)),
            np.full((_ENLARGED * len(grey), 4), 255),
        ]
    return np.hstack(parts[:-1]).astype(np.uint8)


def _thin(curve: pd.DataFrame) -> pd.DataFrame:
    keep = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), _MOST_POINTS)).round().astype(int))
    return curve.iloc[keep].reset_index(drop=True)
