"""How long is it from one job's end to the next one's first step? `python benchmarks/sweep.py [--data DIR]`.

A sweep of three seeds in one process, of one batch an epoch. The first job reads the pairs, the others find them; the
time in between holds the composed configuration, the model, the check that no file has changed, and the first batch.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from hydra.experimental.callback import Callback
from lightning.pytorch.callbacks import Callback as TrainingCallback
from timing import begin, report

from oresort import train
from oresort.belt import write_pairs

JOBS = 3
times: dict[str, list[float]] = {"began": [], "step": [], "ended": []}


class Job(Callback):
    """Notes when jobs begin and end."""

    def on_job_start(self, config: Any, **_: Any) -> None:
        """Note it."""
        times["began"].append(time.perf_counter())

    def on_job_end(self, config: Any, job_return: Any, **_: Any) -> None:
        """Note it."""
        times["ended"].append(time.perf_counter())


class First(TrainingCallback):
    """Notes when the first step of a training is done."""

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Note it, once a training."""
        if trainer.global_step == 1:
            times["step"].append(time.perf_counter())


def main() -> None:
    """Run the sweep, and print the times between its jobs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=None, help="a dataset; without one, a small one is simulated")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch (%(default)s)")
    parser.add_argument("--out", type=Path, default=None, help="folder for sweep.csv")
    options = parser.parse_args()
    machine = begin(options.threads)
    sys.modules["sweep"] = sys.modules["__main__"]  # under which the configuration names its classes
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or f"{folder}/data"
        if options.data is None:
            write_pairs(Path(data), 600, seed=0)
        sys.argv[1:] = [
            *("-m", "seed=1,2,3", f"data.root={data}", f"out={folder}/runs", "trainer=smoke", "modules=[sweep]"),
            *("model/tower=compact", "model/fusion=stack", "model/head=linear", "trainer.limit_train_batches=1"),
            *("callbacks.first._target_=sweep.First", "+hydra.callbacks.job._target_=sweep.Job", "data.resident=true"),
        ]
        train.main()
    gaps = {"first job": times["step"][0] - times["began"][0]}
    gaps |= {f"job {i + 1}, after the end of {i}": times["step"][i] - times["ended"][i - 1] for i in range(1, JOBS)}
    rows = [{"to the first step of": name, "seconds": round(seconds, 2)} for name, seconds in gaps.items()]
    report(
        pd.DataFrame(rows),
        f"a sweep in one process; {machine.replace('processor time', 'wall time')}",
        options.out and options.out / "sweep.csv",
    )


if __name__ == "__main__":
    main()
