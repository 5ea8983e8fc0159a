"""Speed of the KAN layer, the KAN head and the paper's model on this machine: `python benchmarks/models.py`.

The KAN layer meets two plain Chebyshev layers with an einsum (`published`: the recurrence written into a buffer, as
in the paper's code; `stacked`: its terms stacked), a perceptron of the same widths, and the layer's own matrix
products on ready columns (`products`), below which nothing that multiplies these weights can go. Training is forward
and back to weights and input, without a loss or an optimiser.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pandas as pd
import torch
from timing import Job, begin, fastest, inference, parser, report, spec, step, training
from torch import Tensor, nn

from oresort.console.progress import track
from oresort.models.build import build_model
from oresort.models.heads.kan import KAN
from oresort.models.heads.mlp import MLP
from oresort.models.kan.bases import RBF, BSpline, Chebyshev, Fourier, Jacobi, Legendre
from oresort.models.kan.layer import KANLayer

WIDTHS = (64, 32, 16, 8, 4)
SIZES = list(pairwise((128, *WIDTHS, 2)))
ROWS = [(s, b, k) for s in ("layer", "head") for b in (64, 512, 4096) for k in (training, inference)]


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


def heads() -> pd.DataFrame:
    """Compare one layer 128 -> 64 and the whole head with plain formulations and with an MLP."""
    subjects: dict[str, dict[str, Callable[[], nn.Module]]] = {
        "layer": {
            "KAN": lambda: KANLayer(128, 64),
            "published": lambda: Buffer(128, 64),
            "stacked": lambda: Einsum(128, 64),
            "products": lambda: nn.Linear(6 * 128, 64),
            "MLP": lambda: nn.Sequential(nn.Linear(128, 64), nn.ReLU()),
        },
        "head": {
            "KAN": lambda: KAN(128, WIDTHS),
            "published": lambda: nn.Sequential(*(Buffer(*size) for size in SIZES)),
            "stacked": lambda: nn.Sequential(*(Einsum(*size) for size in SIZES)),
            "MLP": lambda: MLP(128, WIDTHS),
        },
    }
    rows = []
    for subject, batch, kind in track(ROWS, len(ROWS), "KAN"):
        x, columns = torch.randn(batch, 128), torch.randn(batch, 6 * 128)
        jobs = {n: kind(new(), columns if n == "products" else x) for n, new in subjects[subject].items()}
        times = fastest(jobs, seconds=3)
        row: dict[str, Any] = {"part": subject, "batch": batch, "pass": kind.__name__}
        row |= {f"{name}, ms": round(1e3 * seconds, 3) for name, seconds in times.items()}
        row |= {f"{n} / KAN": round(times[n] / times["KAN"], 2) for n in times if n != "KAN"}
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)  # the head has no `products`
    return pd.DataFrame(rows, columns=list(names))


def bases() -> pd.DataFrame:
    """Compare a layer 128 -> 64 and the whole head on each basis with an MLP of the same widths, in ms."""
    kinds = (Chebyshev, Legendre, Jacobi, RBF, BSpline, Fourier)
    rows = []
    for subject, batch, kind in track(ROWS, len(ROWS), "bases"):
        used = SIZES if subject == "head" else SIZES[:1]
        jobs: dict[str, nn.Module] = {
            b.__name__: nn.Sequential(*(KANLayer(*size, b()) for size in used)) for b in kinds
        }
        jobs["MLP"] = nn.Sequential(*(m for size in used for m in (nn.Linear(*size), nn.ReLU())))
        x = torch.randn(batch, 128)
        times = fastest({name: kind(module, x) for name, module in jobs.items()}, seconds=3)
        rows.append(
            {"part": subject, "batch": batch, "pass": kind.__name__}
            | {f"{name}, ms": round(1e3 * seconds, 3) for name, seconds in times.items()}
        )
    return pd.DataFrame(rows)


def model(batch: int = 64) -> pd.DataFrame:
    """Measure pairs/s of the paper's model at 40 x 40 in both memory formats."""
    formats = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
    pair = torch.randn(2, batch, 1, 40, 40)
    rows = []
    for name, job in track({"training": step, "inference": inference}.items(), 2, "model"):
        jobs: dict[str, Job] = {
            key: job(build_model(spec()).to(memory_format=layout), *pair) for key, layout in formats.items()
        }
        rates = {key: round(batch / seconds) for key, seconds in fastest(jobs, seconds=20).items()}
        rows.append({"pass": name} | {f"{key}, pairs/s": rate for key, rate in rates.items()})
    return pd.DataFrame(rows)


def main() -> None:
    """Measure, print, and write `kan.csv`, `bases.csv` and `paper.csv` into `--out`."""
    options = parser(__doc__).parse_args()
    machine = begin(options.threads)
    for name, title, measure in (
        ("kan", "the KAN layer 128 to 64 and the paper's head", heads),
        ("bases", "bases of KAN layers", bases),
        ("paper", "the paper's model, batches of 64", model),
    ):
        report(measure(), f"{title}; {machine}", options.out / f"{name}.csv" if options.out else None)


if __name__ == "__main__":
    main()
