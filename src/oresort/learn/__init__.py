"""Training: the LightningModule, its metrics, its schedule, and the record of a run."""
