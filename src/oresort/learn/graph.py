"""Work that is recorded once as a CUDA graph and repeated: what it did singly is what the graph has to do.

No GPU has run this file yet. It follows "CUDA Graphs" of torch's documentation: the work runs a few times on a side
stream before, the capture is on the same stream, generators are registered, memory stays where it is.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from oresort.errors import one_line

Work = Callable[[], None]
Record = Callable[[Work, Sequence[torch.Generator]], Work]
"""Takes work and the generators it draws from; returns what repeats it, without having done it."""

_CLOSE = 0.3
"""How far a repetition may be from the work, as a share of what the work changed.

Kernels add in another order each time; where a gradient is nothing but that, Adam makes a whole step of it. What is
wrong with a graph (stale or foreign memory, a number baked in) is not finite, or as far off as the change itself.
"""


class CudaRecord:
    """Records on a stream of its own, which the work has run on before."""

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def aside(self, work: Work) -> None:
        """Do work on the stream, after all that was asked before, and before all that is asked from now on."""
        now = torch.cuda.current_stream(self.stream.device)
        self.stream.wait_stream(now)
        with torch.cuda.stream(self.stream):
            work()
        now.wait_stream(self.stream)

    def __call__(self, work: Work, generators: Sequence[torch.Generator]) -> Work:
        """Return the graph's repetition; RuntimeError if the work cannot be captured."""
        graph = torch.cuda.CUDAGraph()
        for generator in generators:  # the default one is registered by the capture itself
            graph.register_generator_state(generator)
        with torch.cuda.graph(graph, stream=self.stream):
            work()
        return graph.replay


def recorder(device: torch.device) -> CudaRecord | None:
    """Return what records work on a device; None where work is not recorded."""
    return CudaRecord(device) if device.type == "cuda" else None


class RefusedError(Exception):
    """Why work is not recorded; it has not been done."""


def recorded(
    work: Work,
    state: Mapping[str, Sequence[Tensor]],
    results: Callable[[], Sequence[Tensor]],
    generators: Sequence[torch.Generator],
    record: Record,
    aside: Callable[[Work], None],
) -> Work:
    """Do `work` once, and return what repeats it from now on.

    It is done singly, taken back, recorded and done by the record; both must leave the same.

    Args:
        work: reads and writes tensors that stay where they are, and nothing of the host.
        state: all tensors that it changes and that outlive it, by what they are, each of which is compared by itself.
        results: returns what it leaves anew each time, such as gradients; compared, too.
        generators: of the device, beside the default one, that it draws from.
        record: see `Record`.
        aside: does work as it will be recorded, on the same stream.

    Raises:
        RefusedError: it cannot be recorded, or the record does something else; the work is not done.
    """
    draws = _Draws(next(one.device for group in state.values() for one in group), generators)
    before, drawn = _copied(state), draws.get()
    aside(work)
    single, left = _copied(state), [one.clone() for one in results()]

    def back() -> None:
        with torch.no_grad():
            for name, group in state.items():
                for one, value in zip(group, before[name], strict=True):
                    one.copy_(value)
        draws.set(drawn)

    back()
    try:
        repeat = record(work, generators)
        repeat()
        for name, group in state.items():
            _compare(name, before[name], single[name], group)
        _compare("gradients", [torch.zeros_like(one) for one in left], left, results())
    except (RuntimeError, RefusedError) as error:
        back()
        raise RefusedError(one_line(error)) from error
    return repeat


def _copied(state: Mapping[str, Sequence[Tensor]]) -> dict[str, list[Tensor]]:
    return {name: [one.detach().clone() for one in group] for name, group in state.items()}


def _compare(name: str, before: Sequence[Tensor], single: Sequence[Tensor], now: Sequence[Tensor]) -> None:
    """Refuse what `now` is if it is far from `single`, in shares of its change since `before`."""
    changed, off, why = 0.0, 0.0, ""
    for old, wanted, found in zip(before, single, now, strict=True):
        if not wanted.is_floating_point():
            why = why or ("" if torch.equal(wanted, found) else "another count")
        elif not torch.equal(torch.isfinite(wanted), torch.isfinite(found)):
            why = why or "values that are not finite"
        else:
            changed += _square(wanted - old)
            off += _square(found.detach() - wanted)
    if not off <= _CLOSE**2 * changed:
        why = why or f"off by {(off / changed) ** 0.5 if changed else math.inf:.2g} of what the step changes"
    if why:
        raise RefusedError(f"the graph of a step does not do what the step does; {name}: {why}")


def _square(change: Tensor) -> float:
    return float(change.double().nan_to_num(0, 0, 0).square().sum())


class _Draws:
    """Where generators stand, the default one of the device among them."""

    def __init__(self, device: torch.device, generators: Sequence[torch.Generator]) -> None:
        self.device, self.generators = device, generators

    def get(self) -> list[Tensor]:
        own = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else torch.get_rng_state()
        return [own, *(generator.get_state() for generator in self.generators)]

    def set(self, positions: list[Tensor]) -> None:
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(positions[0], self.device)
        else:
            torch.set_rng_state(positions[0])
        for generator, position in zip(self.generators, positions[1:], strict=True):
            generator.set_state(position)
