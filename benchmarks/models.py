"""Speed of the KAN layer, the KAN head and the paper's model on this machine: `python benchmarks/models.py`.

The contestants of a row take turns within every round, so that a change of the machine's load meets all of
them; the shortest of all rounds counts. Wall time, torch's own number of threads.
"""

from collections.abc import Callable
from itertools import pairwise
from time import perf_counter

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from oresort.models.bases import RBF, BSpline, Chebyshev, Fourier, Jacobi, Legendre
from oresort.models.build import build_model
from oresort.models.heads import KAN, MLP
from oresort.models.kan import KANLayer
from oresort.progress import track

WIDTHS = (64, 32, 16, 8, 4)
PAPER = {
    "tower": {"_target_": "oresort.models.tower.PaperTower"},
    "fusion": {"_target_": "oresort.models.fusions.hybrid.Hybrid"},
    "head": {"_target_": "oresort.models.heads.KAN"},
}
Job = Callable[[], object]


class Einsum(nn.Module):
    """A plain Chebyshev layer: all terms of the recurrence at once, coefficients (in, out, degree + 1)."""

    def __init__(self, in_features: int, out_features: int, degree: int = 6) -> None:
        super().__init__()
        self.coefficients = nn.Parameter(torch.randn(in_features, out_features, degree + 1) / in_features)

    def basis(self, u: Tensor) -> Tensor:
        """Stack T_0 ... T_degree of u (B, in): (B, in, degree + 1)."""
        terms = [torch.ones_like(u), u]
        while len(terms) < self.coefficients.shape[2]:
            terms.append(2 * u * terms[-1] - terms[-2])
        return torch.stack(terms, -1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in) to (B, out)."""
        return torch.einsum("bid,iod->bo", self.basis(torch.tanh(x)), self.coefficients)


class Buffer(Einsum):
    """The same as published: the recurrence written into one buffer, cloned against in-place changes."""

    def basis(self, u: Tensor) -> Tensor:
        """Fill a buffer with T_0 ... T_degree of u (B, in): (B, in, degree + 1)."""
        terms = torch.ones(*u.shape, self.coefficients.shape[2])
        terms[..., 1] = u
        for n in range(2, terms.shape[-1]):
            terms[..., n] = 2 * u * terms[..., n - 1].clone() - terms[..., n - 2].clone()
        return terms


def fastest(contestants: dict[str, Job], seconds: float) -> dict[str, float]:
    """Return the shortest time of each contestant in seconds, over interleaved rounds."""
    best = dict.fromkeys(contestants, float("inf"))
    for job in contestants.values():
        job()  # allocate and choose kernels before the clock runs
    end = perf_counter() + seconds
    while perf_counter() < end:
        for name, job in contestants.items():
            start = perf_counter()
            job()
            best[name] = min(best[name], perf_counter() - start)
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
    wanted = (x.requires_grad_(), *module.parameters())
    gradient = torch.randn_like(module(x))
    return lambda: torch.autograd.grad(module(x), wanted, gradient)


def step(model: nn.Module, *pair: Tensor) -> Job:
    """Return a job that makes one whole training step with Adam."""
    model.train()
    label = torch.arange(len(pair[0])) % 2
    optimiser = torch.optim.Adam(model.parameters())

    def run() -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(*pair), label).backward()
        optimiser.step()

    return run


def heads() -> Table:
    """Compare one layer 128 -> 64 and the whole head with two plain formulations and with an MLP.

    Training is forward and back to weights and input, without a loss or an optimiser.
    """
    sizes = list(pairwise((128, *WIDTHS, 2)))
    subjects: dict[str, dict[str, Callable[[], nn.Module]]] = {
        "layer": {
            "KAN": lambda: KANLayer(128, 64),
            "published": lambda: Buffer(128, 64),
            "stacked": lambda: Einsum(128, 64),
            "MLP": lambda: nn.Sequential(nn.Linear(128, 64), nn.ReLU()),
        },
        "head": {
            "KAN": lambda: KAN(128, WIDTHS),
            "published": lambda: nn.Sequential(*(Buffer(*size) for size in sizes)),
            "stacked": lambda: nn.Sequential(*(Einsum(*size) for size in sizes)),
            "MLP": lambda: MLP(128, WIDTHS),
        },
    }
    names = list(subjects["layer"])
    table = Table("ms", "batch", "pass", *names, *(f"{name} / KAN" for name in names[1:]))
    rows = [(s, b, k) for s in subjects for b in (64, 512, 4096) for k in (training, inference)]
    for subject, batch, kind in track(rows, len(rows), "KAN"):
        x = torch.randn(batch, 128)
        times = fastest({name: kind(new(), x) for name, new in subjects[subject].items()}, seconds=2)
        milliseconds = (f"{1e3 * times[name]:.2f}" for name in names)
        ratios = (f"{times[name] / times['KAN']:.2f}" for name in names[1:])
        table.add_row(subject, str(batch), kind.__name__, *milliseconds, *ratios)
    return table


def bases() -> Table:
    """Compare a layer 128 -> 64 and the whole head on each basis with an MLP of the same widths."""
    kinds = (Chebyshev, Legendre, Jacobi, RBF, BSpline, Fourier)
    table = Table("ms", "batch", "pass", *(kind.__name__ for kind in kinds), "MLP")
    sizes = list(pairwise((128, *WIDTHS, 2)))
    rows = [(s, b, k) for s in ("layer", "head") for b in (64, 512, 4096) for k in (training, inference)]
    for subject, batch, kind in track(rows, len(rows), "bases"):
        used = sizes if subject == "head" else sizes[:1]
        jobs: dict[str, nn.Module] = {
            b.__name__: nn.Sequential(*(KANLayer(*size, b()) for size in used)) for b in kinds
        }
        jobs["MLP"] = nn.Sequential(*(m for size in used for m in (nn.Linear(*size), nn.ReLU())))
        x = torch.randn(batch, 128)
        times = fastest({name: kind(module, x) for name, module in jobs.items()}, seconds=2)
        table.add_row(subject, str(batch), kind.__name__, *(f"{1e3 * t:.2f}" for t in times.values()))
    return table


def model(batch: int = 64) -> Table:
    """Measure pairs/s of the paper's model at 40 x 40."""
    formats = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
    table = Table("paper's model, pairs/s", *formats, "ratio")
    pair = torch.randn(2, batch, 1, 40, 40)
    for name, job in track({"training": step, "inference": inference}.items(), 2, "model"):
        models = {
            key: job(build_model(PAPER).to(memory_format=layout), *pair) for key, layout in formats.items()
        }
        plain, last = (batch / seconds for seconds in fastest(models, seconds=20).values())
        table.add_row(name, f"{plain:.0f}", f"{last:.0f}", f"{last / plain:.2f}")
    return table


if __name__ == "__main__":
    torch.manual_seed(0)
    console = Console()
    capability = torch.backends.cpu.get_cpu_capability()
    console.print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {capability}")
    console.print(heads())
    console.print(bases())
    console.print(model())
