"""The edges of a KAN layer: how much each matters, fewer of them, functions of lower degree.

An edge is the learned function phi[i, o] of one input for one output. All here follows from the coefficients alone.
"""

import torch
from torch import Tensor

from oresort.errors import InputError
from oresort.models.checks import MOST_PARTS, positive
from oresort.models.kan.bases import Chebyshev
from oresort.models.kan.layer import KANLayer

SAMPLES = 1024  # quadrature points; exact for polynomials far beyond any degree in use


def blocks(layer: KANLayer) -> Tensor:
    """Return a view of the coefficients as (N + 1, in, out), the constant first."""
    return layer.coefficients.view(layer.basis.columns + 1, layer.in_features, layer.out_features)


def functions(layer: KANLayer, x: Tensor) -> Tensor:
    """Return every edge's function at x (S,): (S, in, out), in the coefficients' type."""
    columns = torch.stack([torch.ones_like(x), *layer.basis(x)])  # (N + 1, S)
    return torch.einsum("ns,nio->sio", columns.to(layer.coefficients.dtype), blocks(layer))


def covariance(layer: KANLayer) -> Tensor:
    """Return the columns' covariance (N, N) where u = tanh(x) follows the arcsine law on (-1, 1).

    For Chebyshev polynomials under this law it is the identity over 2.
    """
    columns = _sampled(layer)
    columns = columns - columns.mean(1, keepdim=True)
    return (columns @ columns.T / SAMPLES).to(layer.coefficients)


def _sampled(layer: KANLayer) -> Tensor:
    k = torch.arange(SAMPLES, dtype=torch.float64)
    u = torch.cos(torch.pi * (k + 0.5) / SAMPLES)  # Gauss-Chebyshev points, all of one weight
    return torch.stack(layer.basis(torch.atanh(u)))  # (N, S)


def importance(layer: KANLayer) -> Tensor:
    """Return the standard deviation of every edge's function, (in, out), under the arcsine law of tanh(x).

    For a Chebyshev layer its square is sum_{n >= 1} c_n^2 / 2. It keeps the gradient.
    """
    c = blocks(layer)[1:]  # (N, in, out)
    variance = torch.einsum("nio,nm,mio->io", c, covariance(layer), c)
    return variance.clamp_min(1e-24).sqrt()  # the root has no gradient at 0


def sparsity(layer: KANLayer) -> Tensor:
    """Return a scalar that training can push down: mean importance plus the entropy of its shares, at most 1.

    The first term makes all edges small, the second a few of them large (Liu et al., arXiv 2404.19756, by coefficients
    instead of activations).
    """
    size = importance(layer)
    if size.numel() == 1:
        return size.sum()
    share = (size / size.sum()).flatten()
    entropy = -(share * share.clamp_min(1e-12).log()).sum() / torch.log(share.new_tensor(share.numel()))
    return size.mean() + entropy


@torch.no_grad()
def prune(layer: KANLayer, keep: float) -> Tensor:
    """Zero the least important edges in place but for a share `keep`, at least one; return the mask (in, out) of those.

    An edge that goes leaves its mean under the arcsine law behind as a constant, so that outputs do not shift.

    Raises:
        InputError: `keep` not above 0 and up to 1.
    """
    if not 0 < keep <= 1:
        raise InputError(f"keep={keep!r}: give a share above 0 and up to 1")
    size = importance(layer)
    mask = torch.zeros_like(size, dtype=torch.bool)
    mask.view(-1)[size.flatten().topk(max(1, round(keep * size.numel()))).indices] = True
    c = blocks(layer)
    means = _sampled(layer).mean(1).to(c)  # (N,)
    c[0] += torch.where(mask, 0.0, torch.einsum("n,nio->io", means, c[1:]))
    c[1:] *= mask
    return mask


@torch.no_grad()
def with_degree(layer: KANLayer, degree: int) -> KANLayer:
    """Return a Chebyshev layer of another degree: higher terms are dropped, or begin at 0.

    A higher degree computes the same function; a lower one is its best approximation under the arcsine law.

    Raises:
        InputError: `degree` below 1, or a layer of another basis.
    """
    if not isinstance(layer.basis, Chebyshev):
        raise InputError(f"{layer.basis!r}: only Chebyshev layers change their degree")
    other = KANLayer(
        layer.in_features, layer.out_features, Chebyshev(positive("degree", degree, MOST_PARTS)), layer.init
    )
    other = other.to(layer.coefficients)
    rows = min(len(layer.coefficients), len(other.coefficients))
    other.coefficients.zero_()
    other.coefficients[:rows] = layer.coefficients[:rows]
    return other
