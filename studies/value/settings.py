"""When does sorting pay, what is one more point of AUROC worth, and what do assays bring over labels by lot?

    python -m studies.value work=runs/value

Simulates and trains what is missing in `work`, and may be interrupted. All is judged on mines that no model has seen;
thresholds are those that earn most on validation pairs. It writes `price.csv` (a row for each mine, association and
price), `association.csv` (at the price of `prices`, and where sorting pays), `points.csv` and `point.csv` (sorters of
falling AUROC, and what a point is worth), `seeds.csv` and `labels.csv` (labels by lot and by assay), `price.png` and
`points.png`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import MISSING

APART, MIXED = "apart", "mixed"
MINES = {APART: ("labels=batch",), MIXED: ("labels=assay", "mineralised=0.6")}
"""Words of oresort.simulate: ore and waste are mined apart, or the feed is all of one side; with as much copper."""

BY_LOT, BY_ASSAY = "lot", "assay"
"""Labels that a model learns from: the class of a particle's lot, or its own grade against the cut-off."""


@dataclass
class Options:
    """Keys of the command."""

    work: Path = MISSING  # folder of datasets and runs
    out: Path = Path("experiments/value")  # folder for tables and figures
    prices: Path = Path("docs/prices.yaml")  # prices and costs, but for the price of metal where it is varied
    metal_prices: list[float] = field(
        default_factory=lambda: [2000, 2500, 3000, 3500, 4000, 5000, 6000, 7500, 9000, 12000, 15000, 20000, 25000]
    )  # of a tonne of metal
    apart: list[float] = field(default_factory=lambda: [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])  # associations of copper, ...
    mixed: list[float] = field(default_factory=lambda: [0.8, 1.0])  # ... of mines of either kind
    usual: float = 0.8  # association of what is asked beside: points of AUROC, and labels
    seeds: list[int] = field(default_factory=lambda: [300, 301, 302])  # of mine and training; associations: the first
    test: int = 800  # seed of the mines that all are judged on
    pairs: int = 4000  # of each mine
    cutoff: float = 0.1  # wt % Cu, of labels by assay
    epochs: int = 28
    noises: list[float] = field(default_factory=lambda: [0.0, 0.25, 0.5, 1.0, 2.0, 4.0])  # in deviations of logits
    factors: list[float] = field(default_factory=lambda: [0.5, 1.0, 2.0])  # of the price, at which a point is valued
