"""The steps of a block of batches, taken on buffers of the device without a word from the host between them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, NamedTuple, cast

import lightning as L
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from oresort.data.blocks import Block
from oresort.learn.each_step import EachStep
from oresort.learn.graph import CudaRecord, RefusedError, Work, recorded
from oresort.learn.schedule import rates_ahead
from oresort.learn.waits import Waits

if TYPE_CHECKING:
    from oresort.learn.module import OreModule


_EARLY = 2  # steps before one is captured: the optimiser makes its state, libraries choose their algorithms


class Clip(NamedTuple):
    """How long a gradient may be."""

    most: float
    kind: str  # norm or value


class Told(NamedTuple):
    """What the steps of a block say of their N pairs."""

    logits: Tensor  # (N, 2) float32
    losses: Tensor  # (N,)
    label: Tensor  # (N,) int64


class Steps:
    """Takes training steps for a module, with its trainer's optimiser, schedule, precision and callbacks.

    Each is ordinary code: gather, change, forward, backward, optimiser, callbacks. On a GPU the first ones are taken
    singly, then one is captured as a CUDA graph, which is repeated from then on: of the whole step where the optimiser
    says that it can be captured, else of all before it. What cannot be captured is taken singly, and said so once.

    Args:
        module: in training, of which the trainer has an optimiser and a schedule of every step.
        clip: longest gradient, or its greatest entry, and which of both, as Lightning has them.
        record: records work, see `oresort.learn.graph`; None takes all steps singly.
    """

    def __init__(self, module: "OreModule", clip: Clip | None = None, record: CudaRecord | None = None) -> None:
        trainer = module.trainer
        optimizer, scheduler = module.optimizers(use_pl_optimizer=False), module.lr_schedulers()
        assert isinstance(optimizer, Optimizer)
        assert isinstance(scheduler, LRScheduler)
        self.module, self.optimizer, self.scheduler = module, optimizer, scheduler
        self.callbacks: list[EachStep] = [c for c in _callbacks(trainer) if isinstance(c, EachStep)]
        self.clip, self.mixed = clip, trainer.precision == "bf16-mixed"
        self.record, self.repeat = record, cast("Work | None", None)
        self.whole = all(group.get("capturable", False) for group in optimizer.param_groups)
        self.early = 0  # steps taken before one is captured
        self.rows = torch.zeros(0)  # a block's, and what else `_make_room` makes
        self.place: object = None
        self.images: tuple[Tensor, Tensor] = (self.rows, self.rows)

    def take(self, block: Block) -> Told:
        """Take the steps of a block."""
        count = len(block)
        # a graph reads where it read when it was captured
        place = block.rows.shape[1:], block.loader.planes.data_ptr(), id(block.generator)
        if self.place != place or len(self.rows) < count:
            self._make_room(block)
        self.block, self.place = block, place
        self.at.zero_()
        self.rows[:count].copy_(block.rows)
        # Lightning's own autocast would keep the weights that it has cast from one step to the next
        with torch.autocast(self.module.device.type, enabled=False):
            done = 0
            while done < count and not (self.whole and self.repeat):
                self._one()
                done += 1
            if done < count:
                self._repeat(done, count)
        label = block.loader.labels[block.rows.flatten()]  # (N * B,)
        return Told(self.logits[:count].flatten(0, 1).clone(), self.losses[:count].flatten().clone(), label)

    def _make_room(self, block: Block) -> None:
        """Make what the steps of a block read and write, in one place for all blocks."""
        count, size = block.rows.shape
        device = self.module.device
        self.at = torch.zeros(1, dtype=torch.int64, device=device)  # number of the step in its block
        self.rows = torch.zeros((count, size), dtype=torch.int64, device=device)
        self.logits, self.losses = (
            torch.zeros((count, size, 2), device=device),
            torch.zeros((count, size), device=device),
        )
        groups = len(self.optimizer.param_groups)
        self.rates = torch.zeros((count, groups), device=device)  # learning rates of each step
        self.rate = torch.zeros(groups, device=device)
        self.repeat, self.early = None, 0

    def _one(self) -> None:
        """Take a step, in the way that its number wants."""
        if self.record is None:
            self._step()
        elif self.repeat is not None:  # of all before the optimiser
            self.repeat()
            self._update()
        elif self.early < _EARLY:
            self.early += 1
            # the last one, since in the first the optimiser makes its state
            looked = self.early == _EARLY and not self.module.hparams["compile"]  # which no such look survives
            with Waits() if looked else nullcontext() as waits:
                self.record.aside(self._step)
            if waits and waits.found:
                self._give_up(f"a step waits for the host ({', '.join(waits.found)})")
        else:
            self._capture(self.record)
        self.scheduler.step()

    def _capture(self, record: CudaRecord) -> None:
        """Take a step, and record it on the way."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        self.rates.copy_(torch.tensor(rates).expand_as(self.rates))
        generators = [self.block.generator, self.module.draws]
        try:
            with self._rated() if self.whole else nullcontext():
                work = self._rated_step if self.whole else self._pass
                self.repeat = recorded(work, self._state(), self._gradients, generators, record, record.aside)
        except RefusedError as error:
            self._give_up(str(error))
            self._step()
            return
        if not self.whole:
            name = type(self.optimizer).__name__
            print(f"note: {name} steps outside of the CUDA graph, which it cannot be part of", file=sys.stderr)
            self._update()

    @contextmanager
    def _rated(self) -> Iterator[None]:
        """Let the optimiser read its learning rates from the device, where a graph finds them anew in each step."""
        groups = self.optimizer.param_groups
        rates = [group["lr"] for group in groups]
        try:
            for group, rate in zip(groups, self.rate, strict=True):
                group["lr"] = rate
            yield
        finally:
            for group, number in zip(groups, rates, strict=True):
                group["lr"] = number

    def _repeat(self, done: int, count: int) -> None:
        """Repeat the graph of a whole step, from number `done` of the block on."""
        assert self.repeat is not None
        self.rates[done:count].copy_(torch.tensor(rates_ahead(self.optimizer, self.scheduler, count - done)))
        with self._rated():
            for _ in range(done, count):
                self.repeat()

    def _give_up(self, why: str) -> None:
        print(f"note: steps are taken one by one: {why}", file=sys.stderr)
        self.record = self.repeat = None

    def _step(self) -> None:
        self._pass()
        self._update()

    def _rated_step(self) -> None:
        self.rate.copy_(self.rates.index_select(0, self.at)[0])
        self._step()

    def _pass(self) -> None:
        """All of a step before the optimiser."""
        module, block = self.module, self.block
        batch = block.loader.batch(self.rows.index_select(0, self.at)[0], block.generator)
        low, high = module.laid_out(batch["low"], batch["high"])  # (B, C, S, S)
        cast_to = torch.autocast(module.device.type, torch.bfloat16, cache_enabled=False)
        with cast_to if self.mixed else nullcontext():
            loss, outputs = module.objective({**batch, "low": low, "high": high}, module.draws)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if outputs.pace is not None:
            module.objective.balance(outputs.pace, module.draws)
        if self.clip is not None:
            # not by Lightning, which refuses fused optimisers in mixed precision, though bfloat16 scales no gradient
            clip = nn.utils.clip_grad_norm_ if self.clip.kind == "norm" else nn.utils.clip_grad_value_
            clip([p for group in self.optimizer.param_groups for p in group["params"]], self.clip.most)
        self.logits.index_copy_(0, self.at, outputs.logits.float()[None])
        self.losses.index_copy_(0, self.at, outputs.losses.float()[None])
        self.images = low, high

    def _update(self) -> None:
        """The optimiser, and what follows a step."""
        self.optimizer.step()
        for callback in self.callbacks:
            callback.each_step(self.module, *self.images)
        self.at.add_(1)

    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self.module.parameters() if p.grad is not None]

    def _state(self) -> dict[str, list[Tensor]]:
        """Return all that a step changes and the next one reads, by what it is."""
        held = [value for state in self.optimizer.state.values() for value in state.values()]
        return {
            "answers": [self.logits, self.losses],
            "weights": list(self.module.parameters()),
            "statistics": list(self.module.buffers()),
            "optimiser": [value for value in held if isinstance(value, Tensor)],
            "callbacks": [tensor for callback in self.callbacks for tensor in callback.tensors()],
            "count": [self.at],
        }


def _callbacks(trainer: L.Trainer) -> list[L.Callback]:
    return list(trainer.callbacks)  # type: ignore[attr-defined]
