"""From scans of a belt to a table of decisions, by a trained model."""
