"""From probabilities to decisions, and the names of their figures of merit."""

METRICS = (
    *("auroc", "f1", "recall", "precision", "accuracy", "balanced_accuracy"),
    *("mcc", "average_precision", "brier", "ece"),
)


def direction(metric: str) -> str:
    """Return `min` for a figure that is best when small, such as a loss, and `max` for the others."""
    return "min" if metric in ("loss", "brier", "ece") else "max"
