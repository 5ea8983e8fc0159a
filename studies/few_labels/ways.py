"""The rows of the study: each way from a mine's few labels to a sorter, by the project's own functions."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from oresort.console.compose import composed
from oresort.files.write import replacing, write_json
from oresort.learn.classic import ClassicConfig, run_classic
from oresort.learn.evaluation import evaluate_checkpoint
from oresort.learn.fit import train
from oresort.learn.pretrain import PretrainConfig, pretrain
from oresort.learn.run import finished, identity
from oresort.make import trust
from oresort.simulate import SimulateConfig, simulate
from studies.command import compose


class Start(NamedTuple):
    """How a row starts from weights, and goes on from there."""

    made: str  # what made them
    words: tuple[str, ...] = ()  # of the training on few labels
    steps: float = 1.0  # share of the steps from scratch


GENTLE = "rates.towers=0.03"
"""Towers that labels have trained are nearly kept; chosen on the mine 101, as the shares of the steps."""

SCRATCH, TREES, FAR = "from scratch", "gradient boosting", "simulated labels, as they are"
STARTS = {
    "simulated labels": Start("far", (GENTLE, "rates.heads=0.3"), 1 / 3),
    "hidden blocks": Start("blocks"),
    "hidden blocks, then simulated labels": Start("both", (GENTLE, "rates.heads=0.3"), 1 / 3),
}
"""Rows that start from weights."""

WAYS = (SCRATCH, TREES, FAR, *STARTS)
TRIED = {"two views": "TwoViews", "known quantities": "KnownQuantities"}
"""Rows of the other pretexts, `studies.few_labels.pretexts`."""

OTHER = {"association": 0.6, "kvp": 150.0, "wrong": 0.0}
"""How the simulated mine differs from those that are tested: harder ore, another voltage, labels without error."""

QUIET = "trainer.enable_progress_bar=false"
BATCH = 32
HELD = 70 / 85  # share of the labelled pairs that train; the others choose the threshold


@dataclass
class Budget:
    """What a training may cost."""

    steps: int  # of BATCH pairs, of a training from scratch on few labels
    epochs: int  # of every training on many pairs
    far: int  # simulated pairs


class Mines:
    """Datasets and runs in a folder; what is there and finished is not made again."""

    def __init__(self, work: Path, network: Sequence[str], pairs: int, budget: Budget) -> None:
        self.work, self.network, self.pairs, self.budget = work, list(network), pairs, budget
        # runs of another network or budget must not stand in the same table
        meant = (identity(asdict(self._train()), ""), asdict(budget), pairs, STARTS, OTHER, BATCH)
        self.runs = work / f"runs-{hashlib.sha256(repr(meant).encode()).hexdigest()[:8]}"
        trust("studies.few_labels.pretexts")

    def data(self, seed: int, **other: Any) -> Path:
        """Return the folder of a mine's dataset; simulate it if it is not there."""
        pairs = self.budget.far if other else self.pairs
        folder = self.work / "data" / (f"{seed}-other-{pairs}" if other else f"{seed}-{pairs}")
        if not folder.exists():
            simulate(SimulateConfig(out=str(folder), pairs=pairs, seed=seed, **other))
        return folder

    def folder(self, way: str, seed: int, size: int) -> Path:
        """Return where the run of a way on `size` labelled pairs of a mine is, or would be."""
        name = "as_they_are" if way == FAR else f"{size}-{way.replace(' ', '_').replace(',', '')}"
        return self.runs / f"{seed}-{name}"

    def row(self, way: str, seed: int, size: int) -> tuple[dict[str, Any], Path]:
        """Return the row and the folder of the run of a way on `size` labelled pairs of a mine."""
        folder = self.folder(way, seed, size)
        if way == FAR:
            return self._as_they_are(seed, folder), folder
        if row := finished(folder):
            return row, folder
        few = (f"data.root={self.data(seed)}", f"data.cache={self.work / 'cache'}", f"data.labelled={size}")
        drawn = f"data.split_seed={seed}"  # which pairs are labelled
        if way == TREES:
            cfg = composed("classic", ClassicConfig, few[0], few[2], drawn, "method=gradient_boosting")
            return run_classic(cfg, folder), folder
        start = STARTS.get(way, Start(""))
        words = list(start.words) if way == SCRATCH else [f"weights={self.start(way, seed)}", *start.words]
        epochs = math.ceil(start.steps * self.budget.steps * BATCH / (HELD * size))
        # one validation, at the end: of a few dozen pairs it could choose an epoch by chance alone
        words += [f"{key}={epochs}" for key in ("trainer.max_epochs", "trainer.check_val_every_n_epoch")]
        words.append(f"data.batch_size={BATCH}")
        return train(self._train(*few, drawn, f"seed={seed}", *words), folder), folder

    def start(self, way: str, seed: int) -> Path:
        """Return the run whose weights a way starts from; train it if it is not there."""
        kind = STARTS[way].made if way in STARTS else way.replace(" ", "_")
        folder = self.runs / "starts" / ("far" if kind == "far" else f"{seed}-{kind}")
        if finished(folder):
            return folder
        root = self.data(150, **OTHER) if kind in ("far", "both") else self.data(seed)
        words = [f"data.root={root}", f"data.cache={self.work / 'cache'}", f"seed={seed}"]
        words.append(f"trainer.max_epochs={self.budget.epochs}")
        if kind in ("far", "both"):
            words += [f"weights={self.start('hidden blocks', seed)}"] if kind == "both" else []
            train(self._train(*words), folder)
            return folder
        cfg = composed("pretrain", PretrainConfig, *self.network, QUIET, *words)
        if way in TRIED:
            cfg.pretext = {"_target_": f"studies.few_labels.pretexts.{TRIED[way]}"}
        pretrain(cfg, folder)
        return folder

    def _train(self, *words: str) -> Any:
        return compose(*self.network, QUIET, *words)

    def _as_they_are(self, seed: int, folder: Path) -> dict[str, Any]:
        """Return what the model of the simulated mine says of this one, of which it has seen nothing."""
        far = self.start("simulated labels", seed)
        if not (row := finished(folder)):
            found = evaluate_checkpoint(far, self.data(seed), cache=self.work / "cache", device="cpu")
            figures = {f"test/{name}": value for name, value in found.metrics.items()}
            source = finished(far) or {}
            row = {"status": "finished", "name": FAR, "seed": seed, "params": source["params"], "pairs/train": 0}
            row |= {"pairs/val": 0, "threshold": found.threshold, **figures}
            with replacing(folder / "predictions.csv") as temporary:
                found.predictions.to_csv(temporary, index=False)
            write_json(folder / "metrics.json", row)
        return row
