"""What the benchmarks of models share: jobs, a fair clock, and tables that people and programs can read."""

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from oresort.console.show import show
from oresort.files.provenance import processor
from oresort.files.write import replacing
from oresort.paths import part

Job = Callable[[], object]

_STRETCH = 0.5  # seconds of one contestant, at least, where there is time: such threads spin for some milliseconds


def spec(tower: str = "paper", fusion: str = "hybrid", head: str = "kan") -> dict[str, Any]:
    """Return the spec of a model of three files of conf/model; the paper's, but for what is named."""
    names = {"tower": tower, "fusion": fusion, "head": head}
    return {group: part(f"model/{group}", name) for group, name in names.items()}


def fastest(contestants: dict[str, Job], seconds: float, rounds: int = 3) -> dict[str, float]:
    """Return the shortest time of each contestant in seconds, over rounds in which each has a stretch of its own.

    All take turns within every round, so that a change of the machine's load meets all of them; but not one by one, for
    what a library leaves behind slows the next: OpenMP's threads, which eager PyTorch runs on, spin on after a call and
    hold the core that a contestant of several threads counts on. With one thread processor time counts, which other
    programs lengthen least; with more threads wall time.

    Args:
        contestants: by name.
        seconds: for all together; a stretch that has begun is ended, and holds two runs at least.
        rounds: at least so many.
    """
    clock = process_time if torch.get_num_threads() == 1 else perf_counter
    best = dict.fromkeys(contestants, float("inf"))
    for job in contestants.values():
        job()  # allocate and choose kernels before the clock runs
    rounds = max(rounds, int(seconds / (_STRETCH * len(contestants))))
    stretch = seconds / (rounds * len(contestants))
    for _ in range(rounds):
        for name, job in contestants.items():
            runs, end = 0, perf_counter() + stretch
            while runs < 2 or perf_counter() < end:
                start = clock()
                job()
                best[name] = min(best[name], clock() - start)
                runs += 1
    return best


def inference(module: nn.Module, *inputs: Tensor) -> Job:
    """Return a job that runs `module` once without gradients."""
    module.eval()

    def run() -> None:
        with torch.inference_mode():
            module(*inputs)

    return run


def training(module: nn.Module, x: Tensor) -> Job:
    """Return a job that runs `module` forward and back to its weights and its input."""
    module.train()
    x = x.clone().requires_grad_()
    wanted = (x, *module.parameters())
    gradient = torch.randn_like(module(x))
    return lambda: torch.autograd.grad(module(x), wanted, gradient)


def step(model: nn.Module, *pair: Tensor) -> Job:
    """Return a job that makes one whole training step with Adam."""
    model.train()
    label = torch.arange(len(pair[0])) % 2
    optimiser = torch.optim.Adam(model.parameters())

    def run() -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(*pair), label).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return run


def parser(text: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of every benchmark of models."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--threads", type=int, default=1, help="of torch; 1: processor time, more: wall time")
    made.add_argument("--out", type=Path, default=None, help="folder for the tables as CSV and the picture")
    return made


def begin(threads: int) -> str:
    """Seed, set the threads, and return a line on the machine and the day."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    clock = "processor time" if threads == 1 else "wall time"
    capability = torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__}, {processor()} ({capability}), {threads} thread(s), {clock}, {date.today()}"


def report(table: pd.DataFrame, title: str, file: Path | None) -> None:
    """Print a table, and write it as CSV where a file is named."""
    show(table.astype(object).where(table.notna(), "").astype(str), title)
    if file is not None:
        with replacing(file) as temporary:
            table.to_csv(temporary, index=False)
