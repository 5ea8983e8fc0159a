"""The optimiser and the learning rate over a run; each is a spec, so that any of torch or timm can be named."""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LambdaLR, LinearLR, LRScheduler, SequentialLR

from oresort.errors import InputError
from oresort.make import find, make


class Schedule(ABC):
    """A learning rate over a run, as shares of the optimiser's, stepped after every batch.

    Args:
        warmup: share of the run that rises to the full rate, 0 to 1; a short run goes through the same shape.
        start: share of the rate at which the rise starts.
        final: share of the rate at the end.
    """

    def __init__(self, warmup: float = 0.025, start: float = 0.1, final: float = 0.01) -> None:
        if not (0 <= warmup < 1 and 0 < start <= 1 and 0 <= final <= 1):
            raise InputError("schedule: need 0 <= warmup < 1, 0 < start <= 1 and 0 <= final <= 1")
        self.warmup, self.start, self.final = warmup, start, final

    @abstractmethod
    def build(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return the scheduler of `optimizer` for a run of `steps` steps."""

    def risen(self, optimizer: Optimizer, steps: int, after: LRScheduler) -> LRScheduler:
        """Return `after`, behind the rise to the full rate that it takes the place of."""
        if not (warm := round(self.warmup * steps)):
            return after
        rise = LinearLR(optimizer, start_factor=self.start, total_iters=warm)
        return SequentialLR(optimizer, [rise, after], milestones=[warm])


class Cosine(Schedule):
    """A linear rise, then half a cosine down to the final share; see `Schedule`."""

    def build(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return the scheduler of `optimizer` for a run of `steps` steps."""
        # as one writes it: 0.01 of 3e-4 is 3e-6, and not the float below it
        lowest = float(f"{optimizer.param_groups[0]['lr'] * self.final:.12g}")
        falling = max(1, steps - round(self.warmup * steps))
        if len({group["lr"] for group in optimizer.param_groups}) > 1:  # torch's knows one floor for all groups

            def share(step: int) -> float:
                return self.final + (1 - self.final) * (1 + math.cos(math.pi * min(step / falling, 1))) / 2

            return self.risen(optimizer, steps, LambdaLR(optimizer, share))
        return self.risen(optimizer, steps, CosineAnnealingLR(optimizer, T_max=falling, eta_min=lowest))


class Constant(Schedule):
    """A linear rise, then the full rate; see `Schedule`, whose `final` it has not."""

    def __init__(self, warmup: float = 0.025, start: float = 0.1) -> None:
        super().__init__(warmup, start)

    def build(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return the scheduler of `optimizer` for a run of `steps` steps."""
        return self.risen(optimizer, steps, ConstantLR(optimizer, factor=1.0))


class OneCycle(Schedule):
    """Half a cosine up, half a cosine down (Smith, arXiv:1803.09820), momentum left alone; see `Schedule`."""

    def build(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return the scheduler of `optimizer` for a run of `steps` steps."""
        up = round(self.warmup * steps)

        def share(step: int) -> float:
            low, done = (self.start, step / up) if step < up else (self.final, (steps - step) / (steps - up))
            return low + (1 - low) * (1 - math.cos(math.pi * done)) / 2

        return LambdaLR(optimizer, share)


def on_gpu(optim: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of an optimiser with what its class has for a GPU: few kernels, and steps that can be captured.

    What the spec says itself stays. InputError for no optimiser.
    """
    known = inspect.signature(find(optim.get("_target_"), Optimizer)).parameters
    fast = {"capturable": True} | ({} if optim.get("foreach") or optim.get("differentiable") else {"fused": True})
    return {key: value for key, value in fast.items() if key in known} | dict(optim)


def build_optimizer(
    optim: Mapping[str, Any],
    schedule: Mapping[str, Any],
    parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
    steps: int,
) -> tuple[Optimizer, LRScheduler]:
    """Return the optimiser of the spec `optim`, and its scheduler for a run of `steps` steps.

    `schedule` is the spec of a `Schedule` or of an `LRScheduler` of torch. `parameters` may be groups as torch has
    them; `rate` in one is its factor of the learning rate.

    Raises:
        InputError: what a class refuses, or a learning rate that is not above 0.
    """
    optimizer = make(optim, Optimizer, params=parameters)
    if not all(group["lr"] > 0 for group in optimizer.param_groups):
        raise InputError(f"optim.lr={optim.get('lr')}: give a number above 0")
    for group in optimizer.param_groups:
        group["lr"] *= group.get("rate", 1.0)  # before a scheduler takes it for the group's full rate
    if issubclass(find(schedule.get("_target_"), Schedule, LRScheduler), Schedule):
        return optimizer, make(schedule, Schedule).build(optimizer, steps)  # type: ignore[type-abstract]
    return optimizer, make(schedule, LRScheduler, optimizer=optimizer)


def rates_ahead(optimizer: Optimizer, scheduler: LRScheduler, steps: int) -> list[list[float]]:
    """Return the learning rates, of each group, of the next steps, and leave `scheduler` behind them.

    Raises:
        InputError: the schedule changes anything else, such as a momentum.
    """
    table = []
    for _ in range(steps):
        settings = [dict(group) for group in optimizer.param_groups]
        table.append([group["lr"] for group in settings])
        scheduler.step()
        for group, setting in zip(optimizer.param_groups, settings, strict=True):
            for key in group.keys() - {"lr", "params"}:
                if group[key] != setting[key]:
                    raise InputError(f"schedule: changes {key} too, which a CUDA graph cannot follow; set block=0")
    return table


def grouped(
    parameters: Iterable[tuple[str, nn.Parameter]], factors: Mapping[str, float]
) -> list[nn.Parameter] | list[dict[str, Any]]:
    """Return what is trained of `parameters`, each with the name of its part.

    A plain list where all learn alike, else groups by their factor of the learning rate, highest first.
    """
    rates: dict[float, list[nn.Parameter]] = {}
    for part, parameter in parameters:
        if parameter.requires_grad:
            rates.setdefault(factors.get(part, 1.0), []).append(parameter)
    if set(rates) == {1.0}:
        return rates[1.0]
    return [{"params": rates[rate], "rate": rate} for rate in sorted(rates, reverse=True)]
