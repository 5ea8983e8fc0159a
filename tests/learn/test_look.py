"""What explains decisions, on models whose answer is known: curves, controls, galleries, changes of particles."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("captum", reason="captum is not installed: pip install 'oresort[train]'")

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.look.changes import changed, scan_38
from oresort.learn.look.controls import control
from oresort.learn.look.crops import Crop, read_crops
from oresort.learn.look.curves import SHARES, curves
from oresort.learn.look.galleries import RIGHT, UNSURE, WRONG, galleries, places_of
from oresort.learn.look.maps import Kind, maps_of
from oresort.learn.look.shares import look
from oresort.models.fusions.feature import Sum
from oresort.models.heads.head import Head
from oresort.models.pairnet import PairNet
from oresort.models.towers.tower import Tower
from oresort.represent.regions import REGIONS, regions
from oresort.represent.representation import Attenuation, Standardized
from oresort.xray.changes import CHANGES, Change
from oresort.xray.transmission import attenuation

AIR = 50_000.0


class Opposite(Head):
    """Ore is what the features say, less an offset; waste its opposite."""

    def __init__(self, in_features: int) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack((0.05 - x.sum(1), x.sum(1) - 0.05), 1)


def grains(channels: int) -> Tower:
    """A tower that sees nothing but pixels of an attenuation above 1.5."""
    layer = nn.Conv2d(channels, 1, 1)
    nn.init.constant_(layer.weight, 20.0)
    nn.init.constant_(layer.bias, -30.0)
    return Tower([nn.Sequential(layer, nn.ReLU())], (1,))


def outlines(channels: int) -> Tower:
    """A tower that sees where neighbours differ by more than 0.3."""
    layer = nn.Conv2d(channels, 2, (1, 2), padding=(0, 1))
    with torch.no_grad():
        layer.weight.copy_(20 * torch.tensor([[1.0, -1.0], [-1.0, 1.0]])[:, None, None, :].expand_as(layer.weight))
        layer.bias.fill_(-6.0)
    return Tower([nn.Sequential(layer, nn.ReLU())], (2,))


def crop(grain: tuple[int, int] | None = None, side: int = 30) -> Crop:
    """A flat disc of attenuation 0.8, with a grain of 2 in both layers."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    mask = x**2 + y**2 < (0.48 * side) ** 2
    seen = np.where(mask, 0.8, 0.0)
    if grain:
        seen[grain[0] - 1 : grain[0] + 2, grain[1] - 1 : grain[1] + 2] = 2.0
    counts = np.where(mask, AIR * np.exp(-seen), 0).astype(np.uint16)
    return Crop(counts, counts.copy(), (mask, mask), AIR, "zero", regions(mask, mask))


def planes_of(crops: list[Crop], representation: Attenuation) -> np.ndarray:
    return np.stack([representation.planes(c.low, c.high, c.air, c.background) for c in crops])


REPRESENTATION = Attenuation(geometry="resize", size=30)


def test_a_grain_inside_that_decides_is_inside_and_an_outline_that_decides_is_not():
    crops = [crop((15, 12)), crop((11, 16))]
    planes = planes_of(crops, REPRESENTATION)
    found = look(PairNet(grains, Sum(), Opposite).eval(), REPRESENTATION, planes, crops, np.array([True, True]), 32)
    inside = REGIONS.index("inside")
    assert (found.mass[:, :, inside] > 0.999).all()
    assert (found.missing < 0.1).all()
    assert (found.cell == 1).all()
    flat = [crop()]
    planes = planes_of(flat, REPRESENTATION)
    found = look(PairNet(outlines, Sum(), Opposite).eval(), REPRESENTATION, planes, flat, np.array([True]), 32)
    assert (found.mass[:, :, inside] < 0.001).all()


def test_taking_away_what_decides_costs_more_than_anything_else_and_the_random_order_does_not():
    crops = [crop((15, 12)), crop((11, 16)), crop((17, 17))]
    planes, net = planes_of(crops, REPRESENTATION), PairNet(grains, Sum(), Opposite).eval()
    maps = maps_of(net, REPRESENTATION, planes, 32).by_kind
    own = [{kind: part[i] for kind, part in maps.items()} for i in range(len(crops))]
    found = curves(net, REPRESENTATION, planes, own, np.array([True] * 3), 1.0, seed=0)
    deletion, insertion = found.p[:, :, 0, 0], found.p[:, :, 1, 0]  # (N, K, F)
    whole = deletion[:, :1, :1]
    np.testing.assert_allclose(deletion[:, :, 0], insertion[:, :, -1])
    np.testing.assert_allclose(deletion[:, :, -1], insertion[:, :, 0])
    both = [k for k, kind in enumerate(found.kinds) if kind == Kind("integrated gradients")]
    after = int(np.searchsorted(SHARES, 9 / 600)) + 1  # the grain's 9 of about 650 pixels are gone
    assert (deletion[:, both, after] < 0.5).all()
    assert (insertion[:, both, after] > 0.99 * whole[:, :, 0]).all()
    assert (found.area[:, both, 0, 0] < found.area[:, both, 0, 1]).all()
    assert (found.area[:, both, 1, 0] > found.area[:, both, 1, 1]).all()


def test_a_decision_for_waste_is_explained_by_what_speaks_against_ore():
    crops = [crop()]
    planes, net = planes_of(crops, REPRESENTATION), PairNet(grains, Sum(), Opposite).eval()
    found = look(net, REPRESENTATION, planes, crops, np.array([False]), 8)
    assert np.isnan(found.mass).all()  # nothing does: the offset alone decides


def test_the_bare_belt_of_standardised_images_is_scaled_as_the_particle():
    representation = Standardized(geometry="resize", size=30)
    planes = planes_of([crop((15, 12))], representation)
    from oresort.models.inputs import Inputs

    inputs = Inputs(representation)
    (low, _), (bare, _) = inputs(torch.from_numpy(planes)), inputs.empty(torch.from_numpy(planes))
    assert float(low.mean()) == pytest.approx(0, abs=1e-5)
    outside = torch.from_numpy(planes[:, 2:3]) == 0
    torch.testing.assert_close(low[outside], bare[outside])
    assert bare.unique().numel() == 1


def test_controls_repeat_with_their_seed_and_know_nothing_of_the_model(trained: Path):
    model = load_trained(trained)
    rng = np.random.default_rng(0)
    planes = rng.random((70, 4, 16, 16), np.float32)
    label = rng.integers(0, 2, 70)
    before = torch.random.get_rng_state()
    for name in ("random", "shuffled"):
        nets = [control(name, model, planes, label, seed) for seed in (1, 1, 2)]
        states = [torch.cat([p.flatten() for p in net.parameters()]) for net in nets]
        assert states[0].equal(states[1])
        assert not states[0].equal(states[2])
        assert not any(net.training for net in nets)
        own = torch.cat([p.flatten() for p in model.module.net.parameters()])
        assert not states[0].equal(own)
    assert torch.random.get_rng_state().equal(before)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_galleries_hold_what_their_names_say(seed: int, count: int):
    rng = np.random.default_rng(seed)
    p = rng.random(30).astype(np.float32)
    called, ore = p >= 0.4, rng.random(30) < 0.5
    found = galleries(p, called, ore, 0.4, count)
    assert all((called[i] == ore[i]) == (name == RIGHT) for name in (RIGHT, WRONG) for i in found[name])
    for name, chosen in ((RIGHT, called == ore), (WRONG, called != ore)):
        assert len(found[name]) == min(count, chosen.sum())
        assert len(set(found[name])) == len(found[name])
    distance = np.abs(p - np.float32(0.4))
    assert np.sort(distance[found[UNSURE]]).tolist() == np.sort(distance)[:count].tolist()


def test_an_id_that_is_not_there_names_the_nearest():
    frame = pd.DataFrame({"id": ["ore_1/3-x4", "ore_1/3-x5", "waste_2/9-x1"]})
    assert places_of(["waste_2/9-x1", "ore_1/3-x4"], frame, "test") == [2, 0]
    with pytest.raises(InputError, match="no pair of split=test; nearest are waste_2/9-x1"):
        places_of(["waste_2/9-x"], frame, "test")


def test_a_changed_particle_is_thicker_in_both_layers_and_the_belt_stays():
    plain, host = crop(), scan_38()
    thickness = np.full(30 * 30, 18.0, np.float32)
    mask = plain.masks[0]
    layers = [
        np.where(mask, AIR * np.exp(-seen.reshape(30, 30)), 0).astype(np.uint16) for seen in host.attenuation(thickness)
    ]
    rock = plain._replace(low=layers[0], high=layers[1])
    low, high = changed(rock, CHANGES[0], host)
    wanted = host.attenuation(np.float32(1.1) * thickness[:1])[:, 0]
    for counts, value in zip((low, high), wanted, strict=True):
        assert (counts[~mask] == 0).all()
        np.testing.assert_allclose(attenuation(counts[mask], AIR), value, atol=2e-3)
    same = changed(rock, Change("nothing"), host)
    assert all(np.abs(new.astype(int) - old).max() <= 1 for new, old in zip(same, layers, strict=True))


def test_where_one_layer_alone_sees_the_rim_it_does_not_turn_to_lead():
    host = scan_38()
    rock = crop()
    high_mask = np.roll(rock.masks[1], 4, axis=1)
    high = np.where(high_mask, rock.high.max(), 0).astype(np.uint16)
    shifted = rock._replace(high=high, masks=(rock.masks[0], high_mask))
    low, _ = changed(shifted, CHANGES[0], host)
    seen = attenuation(low[rock.masks[0]], AIR)
    assert seen.max() < 1.0  # of 0.8, a tenth more; the high layer's missing counts would make it 10
    assert seen.min() > 0.8


def test_pairs_without_a_mask_are_left_out_by_name(dataset: Path):
    from oresort.files.layout import index_released

    frame = (
        index_released(dataset).astype({"w": float, "h": float}).assign(air=AIR, background="air").head(3)
    )  # zeros all around are no air
    places, crops, left = read_crops(frame.assign(background="zero"), dataset, REPRESENTATION)
    assert places == [0, 1, 2]
    assert crops[0].shape == crops[0].low.shape
    assert left == []
    places, _, left = read_crops(frame, dataset, REPRESENTATION)
    assert places == []
    assert left[0].id == frame["id"][0]
    assert "particle up to every border" in left[0].why
