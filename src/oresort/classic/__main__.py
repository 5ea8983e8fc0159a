"""Fit a classic sorter (a rule on pixels, or a learner on hand-made features) and leave a run folder.

It meets the same splits, metrics and tables as the networks: `python -m oresort.report` lists both.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from oresort.console.command import run_command

if TYPE_CHECKING:
    from oresort.learn.classic import ClassicConfig


def _schema() -> type:
    from oresort.learn.classic import ClassicConfig

    return ClassicConfig


def _run(cfg: "ClassicConfig") -> dict[str, Any]:
    from hydra.core.hydra_config import HydraConfig

    from oresort.console.show import show_figures
    from oresort.learn.classic import run_classic

    folder = Path(HydraConfig.get().runtime.output_dir)
    row = run_classic(cfg, folder)
    kind = cfg.method["_target_"].rpartition(".")[2]
    show_figures(row, ("val", "test"), f"{cfg.name}, {kind}, in per cent: threshold {row['threshold']:.3f}")
    print(f"run folder: {folder}")
    return row


def main() -> None:
    """Entry point of `python -m oresort.classic`."""
    run_command("classic", __doc__, _schema, _run)


if __name__ == "__main__":
    main()
