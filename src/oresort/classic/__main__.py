"""Fit a classic sorter (a rule on pixels, or a learner on hand-made features) and leave a run folder.

It meets the same splits, metrics and tables as the networks: `python -m oresort.report` lists both.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from oresort.console.command import run_command
from oresort.console.show import percent, show
from oresort.learn.classic import ClassicConfig, run_classic
from oresort.sorting import METRICS


def _run(cfg: ClassicConfig) -> dict[str, Any]:
    folder = Path(HydraConfig.get().runtime.output_dir)
    row = run_classic(cfg, folder)
    table = pd.DataFrame(
        [{"metric": m} | {s: percent(row[f"{s}/{m}"]) for s in ("val", "test")} for m in METRICS]
    )
    kind = cfg.method["_target_"].rpartition(".")[2]
    show(table, f"{cfg.name}, {kind}, in per cent: threshold {row['threshold']:.3f}")
    print(f"run folder: {folder}")
    return row


def main() -> None:
    """Entry point of `python -m oresort.classic`."""
    OmegaConf.register_new_resolver("first", lambda *v: next(x for x in v if x is not None), replace=True)
    run_command("classic", ClassicConfig, _run)


if __name__ == "__main__":
    main()
