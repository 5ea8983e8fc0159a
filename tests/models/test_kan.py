import numpy as np
import pytest
import torch
from numpy.polynomial.chebyshev import chebvander
from torch import Tensor

from oresort.errors import InputError
from oresort.models.heads.kan import KAN
from oresort.models.kan.bases import Chebyshev
from oresort.models.kan.layer import KANLayer


def reference(layer: KANLayer, x: Tensor) -> np.ndarray:
    """The layer by numpy in float64."""
    degree = layer.basis.columns
    coefficients = layer.coefficients.detach().double().numpy()
    coefficients = coefficients.reshape(degree + 1, layer.in_features, layer.out_features)
    basis = chebvander(np.tanh(x.detach().double().numpy()), degree)  # (..., in, degree + 1)
    return np.einsum("...in,nio->...o", basis, coefficients)


def unit_layer(*sizes: int, degree: int = 6) -> KANLayer:
    """A layer whose columns all weigh alike, so that an error in a high degree shows."""
    layer = KANLayer(*sizes, Chebyshev(degree))
    torch.nn.init.normal_(layer.coefficients, std=layer.in_features**-0.5)
    return layer


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("degree", [1, 2, 3, 6, 9])
def test_layer_equals_a_float64_reference(degree, dtype, tolerance):
    layer = unit_layer(20, 7, degree=degree).to(dtype)
    x = 2 * torch.randn(33, 20, dtype=dtype)
    y = layer(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.detach().double().numpy(), reference(layer, x), atol=tolerance, rtol=0)


def test_layer_equals_the_papers_einsum():
    layer = unit_layer(20, 7).double()
    x = torch.randn(5, 20, dtype=torch.float64)
    coefficients = layer.coefficients.reshape(7, 20, 7).permute(1, 2, 0)  # (in, out, degree + 1), the paper's
    basis = torch.cos(torch.arange(7) * torch.acos(torch.tanh(x))[..., None])
    torch.testing.assert_close(layer(x), torch.einsum("bid,iod->bo", basis, coefficients))


@pytest.mark.parametrize("shape", [(20,), (0, 20), (1, 20), (3, 20), (2, 3, 20), (2, 1, 3, 20)])
def test_layer_takes_any_leading_shape(shape):
    layer = unit_layer(20, 7).double()
    x = torch.randn(shape, dtype=torch.float64)
    y = layer(x)
    assert y.shape == (*shape[:-1], 7)
    np.testing.assert_allclose(y.detach().numpy(), reference(layer, x), atol=1e-12)


@pytest.mark.parametrize("low", [torch.bfloat16, torch.float16])
def test_autocast_keeps_the_recurrence_in_float32(low):
    layer = KANLayer(1, 1)
    with torch.no_grad():
        layer.coefficients.zero_()[6] = 1  # y = T_6
    x = torch.linspace(-2, 2, 101)[:, None].to(low)  # as a layer before would hand it over
    with torch.autocast("cpu", low):
        y = layer(x)
    # only the result's own rounding: a recurrence in bfloat16 would be 0.08 off
    np.testing.assert_allclose(y.detach().double().numpy(), reference(layer, x), atol=torch.finfo(low).eps)


def test_paper_start_is_exact():
    layer = KANLayer(128, 64, init="paper")
    assert layer.coefficients.std().item() == pytest.approx(1 / (128 * 7), rel=0.02)
    assert abs(layer.coefficients.mean().item()) < 3e-5
    assert layer.coefficients.numel() == 128 * 64 * 7


def test_linear_start_damps_high_degrees():
    blocks = KANLayer(128, 64).coefficients.split(128)
    glorot = 5 / 3 * (2 / 192) ** 0.5
    expected = [0, 1, *(0.3 / n**2 for n in range(2, 7))]
    assert [b.std().item() / glorot for b in blocks] == pytest.approx(expected, rel=0.05)


def test_the_head_standardises_its_input_to_a_deviation_of_three_tenths():
    head = KAN(5, widths=(3,)).double()
    x = 4 + 7 * torch.randn(9, 5, dtype=torch.float64)
    standard = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(head(x), head.layers(0.3 * standard))
    plain = KAN(5, widths=(3,), norm=False).double()
    assert torch.equal(plain(x), plain.layers(x))


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"init": "xavier"}, "init='xavier': known are linear, paper, lecun, glorot"),
        ({"out_features": 0}, "out_features=0"),
    ],
)
def test_bad_settings_are_named(keys, named):
    with pytest.raises(InputError, match=named):
        KANLayer(**{"in_features": 4, "out_features": 2, **keys})
