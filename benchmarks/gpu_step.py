"""A device's greatest rate of products, and how far its step is from one in float64 on the CPU."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from gpu_clock import now
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from oresort.learn.graph import CudaRecord
from oresort.learn.objective import Objective
from oresort.learn.schedule import build_optimizer, on_gpu
from oresort.models.build import build_model
from oresort.paths import part

Spec = dict[str, Any]


class Step(NamedTuple):
    """What one step leaves, on the CPU in float64."""

    loss: float
    gradients: Tensor  # (P,), of all weights in turn
    change: Tensor  # (P,), of the weights


def peak(device: torch.device, size: int, seconds: float = 1.0) -> float:
    """Return FLOP/s of products of two bfloat16 matrices (size, size), the best of several rounds."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best, end = float("inf"), now() + seconds
    for _ in range(3):
        a @ b
    while now() < end:
        start = now()
        for _ in range(10):
            a @ b
        best = min(best, (now() - start) / 10)
    return 2 * size**3 / best


def work(model: Spec, channels: int, size: int) -> float:
    """Return FLOP of a training step for each pair of images (channels, size, size), counted on the CPU."""
    net = build_model({**model, "channels": channels}).train()
    low, high = torch.randn(2, 4, channels, size, size)
    with FlopCounterMode(display=False) as counter:
        net(low, high).sum().backward()
    return float(counter.get_total_flops()) / 4


def step(
    model: Spec, images: tuple[Tensor, Tensor], label: Tensor, device: torch.device, kind: torch.dtype, graph: bool
) -> Step:
    """Return the first step of a model of seed 0 on images (B, C, S, S) float64, on a device.

    `kind` is float64, float32 or bfloat16; the last is autocast, the loss and the weights in float32.
    """
    torch.manual_seed(0)
    precise = torch.float64 if kind == torch.float64 else torch.float32
    objective = Objective(build_model({**model, "channels": images[0].shape[1]})).to(device, precise).train()
    batch = {"low": images[0].to(device, precise), "high": images[1].to(device, precise), "label": label.to(device)}
    weights = [p for p in objective.parameters() if p.requires_grad]
    optim = part("optim", "adamw")
    optim = on_gpu(optim) if device.type == "cuda" else optim
    optimizer, _ = build_optimizer(optim, part("schedule", "constant", warmup=0.0), weights, steps=10)
    before, draw, kept = _flat(weights), torch.Generator(device), torch.zeros((), device=device, dtype=precise)

    def once() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=kind == torch.bfloat16, cache_enabled=False):
            loss, _ = objective(batch, draw)
        loss.backward()
        optimizer.step()
        kept.copy_(loss.detach())

    (_repeated(once, objective, optimizer, device) if graph else once)()
    gradients = _flat([p.grad if p.grad is not None else torch.zeros_like(p) for p in weights])
    return Step(float(kept), gradients, _flat(weights) - before)


def _repeated(
    once: Callable[[], None], objective: Objective, optimizer: torch.optim.Optimizer, device: torch.device
) -> Callable[[], None]:
    """Return what repeats a step as a CUDA graph, from where it stands now."""
    start = {name: value.clone() for name, value in objective.state_dict().items()}
    record = CudaRecord(device)
    for _ in range(3):
        record.aside(once)
    repeat = record(once, [])
    with torch.no_grad():
        for name, value in objective.state_dict().items():
            value.copy_(start[name])
        for state in optimizer.state.values():
            for value in state.values():
                value.zero_()
    return repeat


def _flat(tensors: list[Any]) -> Tensor:
    return torch.cat([t.detach().to("cpu", torch.float64).flatten() for t in tensors])


def apart(found: Step, reference: Step) -> dict[str, float]:
    """Return how far a step is from the reference, as shares: of its loss, its gradients and the weights' change."""
    shares = {"loss": abs(found.loss - reference.loss) / abs(reference.loss)}
    for name, ours, theirs in zip(("gradients", "weights"), found[1:], reference[1:], strict=True):
        shares[name] = float((ours - theirs).norm() / theirs.norm())
    return shares
