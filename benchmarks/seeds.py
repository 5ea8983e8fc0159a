"""Do three seeds of one model learn faster as one vectorised model than in turns? `python benchmarks/seeds.py`.

`stacked` is `torch.func.stack_module_state` under `vmap`, which makes grouped convolutions of the towers' own;
`in turns` is a step of each model after the other, as `at_once` of `oresort.train` has it. Both go forward and back to
the weights, batch norm's statistics of each seed included; the optimiser is left out.
"""

import copy
from typing import Any

import pandas as pd
import torch
from timing import Job, begin, fastest, parser, report, spec
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from oresort.models.build import build_model

SEEDS = 3
MODELS: dict[str, tuple[dict[str, Any], int]] = {
    "lite, stack, linear": (spec("lite", "stack", "linear"), 56),
    "compact, stack, linear": (spec("compact", "stack", "linear"), 40),
    "the paper's": (spec(), 40),
}
"""Specs by name, and the side of their images."""


def in_turns(models: list[nn.Module], low: Tensor, high: Tensor, label: Tensor) -> Job:
    """Return a job that takes the gradients of each model after the other; images are (seeds, B, 1, S, S)."""

    def run() -> list[tuple[Tensor, ...]]:
        found = []
        for model, *pair, truth in zip(models, low, high, label, strict=True):
            loss = nn.functional.cross_entropy(model(*pair), truth)
            found.append(torch.autograd.grad(loss, list(model.parameters())))
        return found

    return run


def stacked(models: list[nn.Module], low: Tensor, high: Tensor, label: Tensor) -> Job:
    """Return a job that takes the gradients of all models by one call, see `in_turns`."""
    weights, buffers = stack_module_state(models)
    base = copy.deepcopy(models[0]).to("meta")

    def loss(weights: Any, buffers: Any, low: Tensor, high: Tensor, label: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(base, (weights, buffers), (low, high)), label)

    gradients = vmap(grad(loss))
    return lambda: gradients(weights, buffers, low, high, label)


def main() -> None:
    """Measure both, and how far their gradients are apart; print the ratio."""
    arguments = parser(__doc__)
    arguments.add_argument("--batch", type=int, default=64, help="pairs a seed (%(default)s)")
    arguments.add_argument("--seconds", type=float, default=10, help="for each model (%(default)s)")
    options = arguments.parse_args()
    machine, rows = begin(options.threads), []
    for name, (of, size) in MODELS.items():
        models: list[nn.Module] = [build_model(of).train() for _ in range(SEEDS)]
        low, high = torch.randn(2, SEEDS, options.batch, 1, size, size)
        label = torch.randint(2, (SEEDS, options.batch))
        jobs = {"stacked": stacked(models, low, high, label), "in turns": in_turns(models, low, high, label)}
        together: Any = jobs["stacked"]()
        alone: Any = jobs["in turns"]()
        apart, whole = torch.zeros(SEEDS), torch.zeros(SEEDS)
        for number, (key, _) in enumerate(models[0].named_parameters()):
            for seed in range(SEEDS):
                apart[seed] += float((together[key][seed] - alone[seed][number]).detach().square().sum())
                whole[seed] += float(alone[seed][number].square().sum())
        times = fastest(jobs, options.seconds)
        rows.append(
            {"model": name, "batch": options.batch}
            | {f"{job}, ms": round(1e3 * seconds, 1) for job, seconds in times.items()}
            | {"gradients apart": f"{float((apart / whole).sqrt().max()):.0e}"}
            | {"in turns / stacked": round(times["in turns"] / times["stacked"], 2)}
        )
    title = f"a step of {SEEDS} seeds, forward and back; {machine}"
    report(pd.DataFrame(rows), title, options.out and options.out / "seeds.csv")


if __name__ == "__main__":
    main()
