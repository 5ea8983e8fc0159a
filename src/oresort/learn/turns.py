"""Several trainings in one process: they take turns, one batch each, and each ends as it would have ended alone.

On a GPU the host only hands work to the device. Each training has a stream of its own there, so that the kernels of
small networks, which fill the device in part, run beside each other. On a CPU nothing is won.

A vectorised model (`torch.func.stack_module_state`) was measured against this, see `benchmarks/seeds.py`: its
grouped convolutions take 1.4 to 1.9 times as long on a CPU, and optimisers, schedules, callbacks and checkpoints would
need a second form.
"""

import random
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import Any, Generic, TypeVar

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from oresort.errors import InputError, Interrupted
from oresort.learn.config import TrainConfig
from oresort.learn.quiet import expected_warnings

T = TypeVar("T")

_mine = threading.local()  # the turn of the training that runs in this thread


def by_seed(cfg: TrainConfig) -> list[TrainConfig]:
    """Return a configuration for each seed of `at_once`; InputError for a seed that stands there twice, or W&B."""
    for name, spec in cfg.logger.items():
        if cfg.at_once and isinstance(spec, Mapping) and "wandb" in str(spec.get("_target_")).lower():
            raise InputError(
                f"logger={name}: tracks one run a process; train the seeds one after another by -m seed=1,2"
            )
    for seed in cfg.at_once:
        if cfg.at_once.count(seed) > 1:
            raise InputError(f"at_once={cfg.at_once}: {seed} stands there twice; give each seed once")
    return [replace(deepcopy(cfg), seed=seed, at_once=[]) for seed in cfg.at_once]


def in_turns(jobs: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Run jobs that train, each in a thread; return what they return. One runs at a time, to the end of its batch.

    Whatever a job raises is raised here once all have ended. A signal stops all of them at the end of their batches.
    """
    table = _Table(len(jobs))
    seats = {name: _Seat(table, number, job) for number, (name, job) in enumerate(jobs.items())}
    with expected_warnings():  # each training's own filters end in another order than they began
        for seat in seats.values():
            seat.start()
        while any(not seat.ended.is_set() for seat in seats.values()):
            try:
                for seat in seats.values():
                    while not seat.ended.wait(0.2):  # to see a signal that another thread took
                        pass
            except KeyboardInterrupt as signal:  # comes to the main thread alone
                table.stopped = table.stopped or signal
    for error in (table.stopped, *(seat.error for seat in seats.values())):
        if error is not None:
            raise error
    return {name: seat.result for name, seat in seats.items()}


def beside() -> int:
    """Return how many trainings take turns with the one of this thread, itself included; 1 if it is alone."""
    seat = getattr(_mine, "seat", None)
    return seat.table.count if seat is not None else 1


def turn() -> list[Callback]:
    """Return the callback that hands over at the end of each batch; none for a training that is alone."""
    return [_HandOver()] if beside() > 1 else []


def hand_over() -> None:
    """Let the others have their turn, and come back when it is this thread's again."""
    _mine.seat.wait_for_the_next()


class _HandOver(Callback):
    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Let the others train their batch."""
        hand_over()


class _Table:
    """Whose turn it is."""

    def __init__(self, count: int) -> None:
        self.count, self.waiting = count, list(range(count))
        self.changed = threading.Condition()
        self.stopped: KeyboardInterrupt | None = None

    def wait(self, number: int) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.waiting[0] == number)

    def pass_on(self, *, ended: bool) -> None:
        with self.changed:
            first = self.waiting.pop(0)
            if not ended:
                self.waiting.append(first)
            self.changed.notify_all()


class _Seat(threading.Thread, Generic[T]):
    """A training in a thread; what libraries keep for the whole process is put back at each of its turns."""

    result: T

    def __init__(self, table: _Table, number: int, job: Callable[[], T]) -> None:
        super().__init__(name=f"training-{number}")
        self.table, self.number, self.job = table, number, job
        self.error: BaseException | None = None
        self.ended = threading.Event()

    def run(self) -> None:
        self.table.wait(self.number)
        _mine.seat = self
        try:
            if self.table.stopped is not None:
                raise Interrupted
            with _stream():
                self.result = self.job()
        except BaseException as error:  # raised again in the main thread
            self.error = error
        finally:
            self.table.pass_on(ended=True)
            self.ended.set()

    def wait_for_the_next(self) -> None:
        kept = _globals()
        self.table.pass_on(ended=False)
        self.table.wait(self.number)
        _put_back(*kept)
        if self.table.stopped is not None:
            # as Lightning ends a run that a signal stops; it asks for the main thread where it meets the signal itself
            end = SystemExit(1)
            end.__context__ = self.table.stopped
            raise end


def _stream() -> AbstractContextManager[object]:
    """Have what this thread asks of the GPU run beside what others ask of it, where there is one."""
    if not torch.cuda.is_available():
        return nullcontext()
    return torch.cuda.stream(torch.cuda.Stream())  # type: ignore[no-untyped-call]


def _globals() -> tuple[Any, ...]:
    """Return what a training has set for the whole process: where its draws stand, and what may be deterministic."""
    draws = torch.get_rng_state(), torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    strict = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    return *draws, np.random.get_state(), random.getstate(), strict  # noqa: NPY002 - what libraries draw from


def _put_back(cpu: torch.Tensor, gpu: torch.Tensor | None, arrays: Any, plain: Any, strict: tuple[bool, bool]) -> None:
    torch.set_rng_state(cpu)
    if gpu is not None:
        torch.cuda.set_rng_state(gpu)
    np.random.set_state(arrays)  # noqa: NPY002
    random.setstate(plain)
    torch.use_deterministic_algorithms(strict[0], warn_only=strict[1])
