"""Every basis that conf/model/head holds: the layer on it, its numbers, its start."""

import inspect

import numpy as np
import pytest
import torch
from scipy import special
from scipy.interpolate import BSpline as ScipySpline
from torch import Tensor
from zoo import FILES, part

from oresort.errors import InputError
from oresort.make import make
from oresort.models.kan import bases
from oresort.models.kan.basis import Basis
from oresort.models.kan.layer import INITS, KANLayer
from oresort.paths import choices
from oresort.paths import part as part_of

SPECS = [spec["basis"] for name in FILES["head"] if "basis" in (spec := part("head", name))]
SPECS += [part_of("model/head/basis", name) for name in choices("model/head/basis")]
TARGETS = {str(spec): spec for spec in SPECS}  # heads of other widths share one basis


def named(spec) -> str:
    return spec["_target_"].rpartition(".")[2]


@pytest.fixture(params=TARGETS.values(), ids=named)
def basis(request) -> Basis:
    return make(request.param, Basis)


def test_every_basis_of_the_package_has_a_file():
    own = {
        f"{c.__module__}.{c.__qualname__}"
        for c in vars(bases).values()
        if inspect.isclass(c) and issubclass(c, Basis) and c is not Basis
    }
    assert {spec["_target_"] for spec in TARGETS.values()} == own


def numpy_columns(basis: Basis, u: np.ndarray) -> list[np.ndarray]:
    """The same functions by scipy in float64; of a basis that is not known here, its own in float64."""
    n = range(1, basis.columns + 1)
    if isinstance(basis, bases.Chebyshev):
        return [special.eval_chebyt(k, u) for k in n]
    if isinstance(basis, bases.Jacobi):
        a, b = basis.alpha, basis.beta
        return [special.eval_jacobi(k, a, b, u) / special.eval_jacobi(k, max(a, b), min(a, b), 1.0) for k in n]
    if isinstance(basis, bases.RBF):
        centers = np.linspace(-1, 1, basis.columns - 1)
        return [u, *(np.exp(-(((u - c) / (centers[1] - centers[0])) ** 2)) for c in centers)]
    if isinstance(basis, bases.BSpline):
        cells = basis.columns - 4
        knots = np.linspace(-1 - 6 / cells, 1 + 6 / cells, cells + 7)
        return [u, *(ScipySpline.basis_element(knots[i : i + 5], False)(u) for i in range(cells + 3))]
    if isinstance(basis, bases.Fourier):
        pairs = [(np.sin(k * np.pi / 2 * u), np.cos(k * np.pi / 2 * u)) for k in range(1, basis.columns // 2 + 1)]
        return [column for pair in pairs for column in pair]
    return [column.numpy() for column in basis(torch.atanh(torch.from_numpy(u)))]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_layer_equals_a_float64_reference(basis, dtype, tolerance):
    layer = KANLayer(20, 7, basis).to(dtype)
    torch.nn.init.normal_(layer.coefficients, std=20**-0.5)
    x = 2 * torch.randn(33, 20, dtype=dtype)
    u = np.tanh(x.double().numpy())
    columns = [np.ones_like(u), *(np.nan_to_num(c) for c in numpy_columns(basis, u))]
    assert len(columns) == basis.columns + 1 == len(basis.start) + 1
    c = layer.coefficients.detach().double().numpy().reshape(len(columns), 20, 7)
    expected = np.einsum("nbi,nio->bo", np.stack(columns), c)
    np.testing.assert_allclose(layer(x).detach().double().numpy(), expected, atol=tolerance, rtol=0)


def test_gradcheck(basis):
    layer = KANLayer(4, 3, basis).double()
    x = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)

    def run(x: Tensor, coefficients: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"coefficients": coefficients}, x)

    assert torch.autograd.gradcheck(run, (x, layer.coefficients))


@pytest.mark.parametrize("autocast", [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_saturated_inputs_give_finite_gradients(basis, dtype, autocast):
    if autocast and dtype != torch.float32:
        return  # autocast is for float32 weights
    layer = KANLayer(9, 3, basis).to(dtype)
    torch.nn.init.normal_(layer.coefficients, std=1 / 3)
    x = torch.tensor([[0, 3.5, -3.5, 4.6, 9.1, -9.1, 50, 1e4, -1e4]], dtype=dtype, requires_grad=True)
    with torch.autocast("cpu", autocast, enabled=autocast is not None):
        y = layer(x)
    assert y.dtype == (autocast or dtype)
    y.sum().backward()
    for tensor in (y, x.grad, layer.coefficients.grad):
        assert tensor.isfinite().all()
    assert layer.coefficients.grad.any()


def test_the_linear_start_is_nearly_a_straight_line_of_tanh(basis):
    layer = KANLayer(1, 400, basis)
    u = torch.linspace(-0.9, 0.9, 101)
    with torch.no_grad():
        y = layer(torch.atanh(u)[:, None])  # (101, 400)
    fit = torch.linalg.lstsq(torch.stack((u, torch.ones_like(u)), 1), y).solution
    rest = (y - u[:, None] * fit[0] - fit[1]).std()
    assert rest < 0.3 * (u[:, None] * fit[0]).std()


def test_lecun_start_keeps_the_variance(basis):
    layer = KANLayer(200, 200, basis, init="lecun")
    with torch.no_grad():
        y = layer(torch.randn(400, 200))
    assert y.var().item() == pytest.approx(1, rel=0.15)


def test_glorot_start_weighs_values_against_slopes():
    torch.manual_seed(0)
    layer = KANLayer(60, 20, bases.Chebyshev(2), init="glorot")
    # E[T_n^2] = 1, .394, .435 and E[T_n'^2] = 0, .465, 1.20 for x ~ N(0, 1)
    expected = [(2 / (3 * (60 * v + 20 * s))) ** 0.5 for v, s in ((1, 0), (0.394, 0.465), (0.435, 1.20))]
    assert [b.std().item() for b in layer.coefficients.split(60)] == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("init", INITS)
def test_starts_are_reproducible_and_finite(basis, init):
    def draw() -> Tensor:
        torch.manual_seed(3)
        return KANLayer(8, 4, basis, init=init).coefficients

    assert torch.equal(draw(), draw())
    assert draw().isfinite().all()


def test_moments_of_chebyshev():
    # kan_init's figures for x ~ N(0, 1), n = 1 ... 6
    values, slopes = bases.Chebyshev().moments
    assert values == pytest.approx((0.394, 0.435, 0.465, 0.481, 0.489, 0.494), abs=6e-4)
    assert slopes == pytest.approx((0.465, 1.20, 2.70, 4.82, 7.55, 10.9), rel=6e-3)


def test_jacobi_holds_its_special_cases():
    x = torch.randn(50, dtype=torch.float64)
    for one, other in (
        (bases.Jacobi(5), bases.Legendre(5)),
        (bases.Jacobi(5, -0.5, -0.5), bases.Chebyshev(5)),
    ):
        torch.testing.assert_close(torch.stack(one(x)), torch.stack(other(x)))


@pytest.mark.parametrize(("alpha", "beta"), [(2.0, 0.5), (-0.5, 1.5), (-0.7, -0.2)])
def test_jacobi_of_unequal_ends(alpha, beta):
    u = np.linspace(-0.999, 0.999, 201)
    found = torch.stack(bases.Jacobi(5, alpha, beta)(torch.atanh(torch.from_numpy(u)))).numpy()
    fine = np.cos(np.linspace(0, np.pi, 10_001))
    for n, column in enumerate(found, 1):
        largest = np.abs(special.eval_jacobi(n, alpha, beta, fine)).max()
        np.testing.assert_allclose(column, special.eval_jacobi(n, alpha, beta, u) / largest, atol=1e-5)


def test_splines_sum_to_one():
    x = torch.cat((torch.linspace(-9, 9, 300), torch.tensor([-1e4, 1e4]))).double()
    torch.testing.assert_close(torch.stack(bases.BSpline(7)(x)[1:]).sum(0), torch.ones_like(x))


@pytest.mark.parametrize(
    ("target", "keys", "named"),
    [
        ("Chebyshev", {"degree": 0}, "degree=0"),
        ("Chebyshev", {"degree": 2.0}, "degree=2.0"),
        ("Chebyshev", {"degree": True}, "degree=True"),
        ("Legendre", {"degree": -1}, "degree=-1"),
        ("Jacobi", {"alpha": -1}, "alpha=-1"),
        ("Jacobi", {"beta": float("nan")}, "beta=nan"),
        ("RBF", {"centers": 1}, "centers=1"),
        ("BSpline", {"cells": 0}, "cells=0"),
        ("Fourier", {"frequencies": 0}, "frequencies=0"),
    ],
)
def test_bad_settings_are_named(target, keys, named):
    with pytest.raises(InputError, match=named):
        make({"_target_": f"oresort.models.kan.bases.{target}", **keys}, Basis)
