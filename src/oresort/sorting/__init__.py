"""From probabilities to decisions, and the names of their figures of merit."""

METRICS = (
    "auroc",
    "f1",
    "recall",
    "precision",
    "accuracy",
    "balanced_accuracy",
    "mcc",
    "average_precision",
    "brier",
    "ece",
)
