"""Importance, pruning and degree of a KAN's edges, on functions with known answers."""

import math

import pytest
import torch
from zoo import FILES, part

from oresort.errors import InputError
from oresort.make import make
from oresort.models.heads.kan import KAN, kan_layers
from oresort.models.kan import edges
from oresort.models.kan.bases import BSpline, Chebyshev
from oresort.models.kan.basis import Basis
from oresort.models.kan.layer import KANLayer
from oresort.tables.edges import edge_figure, edge_functions


def layer_of(rows: list[list[float]], degree: int = 3) -> KANLayer:
    """A layer of one output: a row of coefficients for each input, the constant first."""
    layer = KANLayer(len(rows), 1, Chebyshev(degree)).double()
    with torch.no_grad():
        edges.blocks(layer).copy_(torch.tensor(rows, dtype=torch.float64).T[:, :, None])
    return layer


def test_functions_are_what_the_layer_adds_up():
    for name in FILES["head"]:
        spec = part("head", name)
        if "basis" in spec:
            layer = KANLayer(3, 2, make(spec["basis"], Basis)).double()
            x = torch.randn(5, dtype=torch.float64)
            expected = layer(x[:, None].expand(5, 3))
            torch.testing.assert_close(edges.functions(layer, x).sum(1), expected)


def test_importance_of_chebyshev_has_a_closed_form():
    found = edges.importance(layer_of([[9, 3, 0, 4], [5, 0, 0, 0]]))
    assert found.flatten().tolist() == pytest.approx([(25 / 2) ** 0.5, 0], abs=1e-9)


def test_importance_of_any_basis_is_the_spread_over_the_arcsine_law():
    layer = KANLayer(2, 3, BSpline()).double()
    torch.nn.init.normal_(layer.coefficients)  # splines have a mean, which must not count as spread
    u = torch.cos(torch.rand(200_000, dtype=torch.float64) * torch.pi)
    sampled = edges.functions(layer, torch.atanh(u)).std(0)
    torch.testing.assert_close(edges.importance(layer), sampled, rtol=1e-2, atol=1e-4)


def test_pruning_keeps_the_most_important_and_shifts_nothing():
    layer = layer_of([[1, 3, 0, 0], [2, 0.1, 0.2, 0], [0, 0, 2, 0], [0, 0.1, 0, 0.1]])
    x = torch.atanh(torch.cos(torch.rand(200_000, 4, dtype=torch.float64) * torch.pi))
    before = layer(x)
    mask = edges.prune(layer, keep=0.5)
    assert mask.flatten().tolist() == [True, False, True, False]
    assert edges.importance(layer).flatten().tolist() == pytest.approx([3 / 2**0.5, 0, 2**0.5, 0], abs=1e-9)
    assert (layer(x) - before).mean().item() == pytest.approx(0, abs=2e-3)
    torch.testing.assert_close(edges.functions(layer, x[:3, 0])[:, 1].flatten(), torch.full((3,), 2.0).double())


def test_pruning_moves_the_mean_of_a_bump_into_the_constant():
    layer = KANLayer(1, 2, BSpline()).double()
    x = torch.atanh(torch.cos(torch.rand(200_000, 1, dtype=torch.float64) * torch.pi))
    before = layer(x).mean(0)
    edges.prune(layer, keep=0.5)
    torch.testing.assert_close(layer(x).mean(0), before, atol=3e-3, rtol=0)


@pytest.mark.parametrize("keep", [0, -1, 1.5, float("nan")])
def test_a_share_outside_is_named(keep):
    with pytest.raises(InputError, match="keep="):
        edges.prune(KANLayer(2, 2), keep)


def test_degree_grows_without_a_change_and_shrinks_to_the_low_terms():
    layer = layer_of([[1, 2, 3, 4], [4, 3, 2, 1]])
    x = torch.randn(7, 2, dtype=torch.float64)
    torch.testing.assert_close(edges.with_degree(layer, 6)(x), layer(x))
    torch.testing.assert_close(edges.with_degree(layer, 1)(x), layer_of([[1, 2], [4, 3]], degree=1)(x))
    with pytest.raises(InputError, match="degree=0"):
        edges.with_degree(layer, 0)
    with pytest.raises(InputError, match="only Chebyshev"):
        edges.with_degree(KANLayer(2, 2, BSpline()), 3)


def test_the_penalty_by_hand():
    # sizes 3 and 1 over sqrt 2: their mean is sqrt 2, their shares 3/4 and 1/4, the largest entropy log 2
    found = edges.sparsity(layer_of([[9, 3, 0, 0], [5, 0, 1, 0]]))
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(2)
    assert found.item() == pytest.approx(2**0.5 + entropy)
    head = KAN(4, widths=(3,), sparsity=0.5)
    alone = sum(edges.sparsity(layer) for layer in kan_layers(head))
    assert head.penalty().item() == pytest.approx(0.5 * alone.item())


def test_the_picture_draws_the_most_important_functions():
    head = KAN(5, widths=(3,)).double()
    figure = edge_figure(edge_functions(head, top=2))
    assert [bool(axis.lines) for axis in figure.axes] == [True] * 4
    for number, layer in enumerate(kan_layers(head)):
        size = edges.importance(layer).detach()
        for place, best in enumerate(size.flatten().topk(2).indices.tolist()):
            i, o = divmod(best, layer.out_features)
            axis = figure.axes[2 * number + place]
            assert axis.get_title() == f"layer {number}: {i} to {o}\nimportance {size[i, o]:.3g}"
            x, y = (torch.as_tensor(values) for values in axis.lines[0].get_data())
            expected = edges.functions(layer, x.double())[:, i, o].detach()
            torch.testing.assert_close(y.double(), expected - expected.mean(), atol=1e-5, rtol=0)


def test_the_penalty_leaves_fewer_edges():
    torch.manual_seed(0)
    head = KAN(8, widths=(6,), sparsity=1.0)
    optimiser = torch.optim.Adam(head.parameters(), 0.02)

    def shares() -> float:
        sizes = edges.importance(kan_layers(head)[0]).flatten()
        return (sizes.topk(5).values.sum() / sizes.sum()).item()

    before = shares()
    for _ in range(200):
        optimiser.zero_grad()
        head.penalty().backward()
        optimiser.step()
    assert shares() > 2 * before


def test_no_weight_means_no_penalty():
    assert KAN(8).penalty() is None
    lone = KANLayer(1, 1)
    assert edges.sparsity(lone).isfinite()
