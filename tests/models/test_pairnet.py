import io

import pytest
import torch
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.models.build import build_model
from oresort.models.fusions.fusion import Fusion
from oresort.models.fusions.hybrid import Hybrid
from oresort.models.heads.kan import KAN
from oresort.models.heads.mlp import Linear
from oresort.models.pairnet import PairNet
from oresort.models.towers.paper import PaperTower
from oresort.models.towers.tower import Tower


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def small(channels: int) -> PaperTower:
    return PaperTower(channels, widths=(8, 8, 8), squeeze=4)


@pytest.mark.parametrize("init", ["linear", "paper"])
def test_the_papers_parameter_counts(spec, init):
    model = build_model(spec(init=init, norm=init != "paper"))
    unused = 2 * count(nn.Linear(128, 2))  # in the published count, but no pair passes through them
    assert count(model) == 1_315_868
    assert count(model) + unused == 1_316_384
    assert [count(tower) for tower in model.towers] == [619_714, 619_714]
    assert count(model.heads) == 76_440


def test_hybrid_by_hand(spec):
    model = build_model(spec()).double().eval()
    low, high = torch.randn(2, 3, 1, 20, 20, dtype=torch.float64)
    logits, vectors, outputs = model.parts(low, high)
    assert outputs is logits
    a, b = model.towers[0](low + high), model.towers[1](low - high)
    assert torch.equal(vectors[0], a)
    assert torch.equal(vectors[1], b)
    torch.testing.assert_close(logits, model.heads[0](a + b))
    torch.testing.assert_close(logits, model(low, high))


def test_building_draws_from_the_generator_for_weights_alone(spec):
    model = build_model(spec())
    state = torch.get_rng_state()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.num_batches_tracked == 0
            assert not module.running_mean.any()
    torch.manual_seed(0)
    towers = [PaperTower(1), PaperTower(1)]
    head = KAN(128)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(towers[1].stages[0][0].weight, model.towers[1].stages[0][0].weight)
    assert torch.equal(head.layers[0].coefficients, model.heads[0].layers[0].coefficients)
    assert all(module.training for module in model.modules())


class Gates(Fusion):
    """Owns weights at the two levels that the shipped fusions leave alone."""

    def build(self, dims):
        self.dims = dims
        self.gates = nn.ModuleList(nn.Linear(sum(d), sum(d)) for d in dims)
        self.join = nn.Linear(sum(dims[-1]), 5)

    def exchange(self, stage, *maps):
        squeezed = torch.cat([m.mean((2, 3)) for m in maps], 1)
        gates = self.gates[stage](squeezed).sigmoid().split(self.dims[stage], 1)
        return tuple(m * gate[:, :, None, None] for m, gate in zip(maps, gates, strict=True))

    def features(self, *vectors):
        return (self.join(torch.cat(vectors, 1)),)


def test_a_fusion_with_weights_at_every_stage():
    model = PairNet(small, Gates(), Linear, channels=2)
    assert model.fusion.dims == [(8, 8)] * 4
    assert model.heads[0].layers[0].in_features == 5
    model(torch.randn(3, 2, 12, 12), torch.randn(3, 2, 12, 12)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    ("hook", "returned", "named"),
    [
        ("inputs", lambda low, high: low + high, "inputs: must return a tuple of tensors; got Tensor"),
        ("features", lambda a, b: a + b, "features: must return a tuple of tensors; got Tensor"),
        ("features", lambda a, b: None, "features: .* got NoneType"),
        ("features", lambda a, b: (), r"features: .* got \[\]"),
        ("exchange", lambda stage, a, b: (a,), r"exchange: .* of shapes .* got \[\(1, 8, 2, 2\)\]"),
        ("exchange", lambda stage, a, b: (a, b[:, :3]), r"exchange: .* of shapes .* \(1, 3, 2, 2\)"),
        ("decide", lambda a, b: a[:, 0], r"decide: .* of shapes \[\(1, 2\)\]; got \[\(1,\)\]"),
    ],
)
def test_a_hook_that_returns_something_else_is_named_in_one_line(hook, returned, named):
    own = type("Own", (Fusion,), {hook: staticmethod(returned)})
    with pytest.raises(InputError, match=f"Own.{named}") as caught:
        PairNet(small, own(), Linear)
    assert "\n" not in str(caught.value)


def test_finding_widths_leaves_no_trace_in_a_fusion():
    class Normed(Fusion):
        def __init__(self):
            super().__init__()
            self.norm, self.dropout = nn.BatchNorm2d(1), nn.Dropout(0.5)

        def inputs(self, low, high):
            return self.norm(low) + 1, self.dropout(high)

    torch.manual_seed(0)
    state = torch.get_rng_state()
    fusion = Normed()
    PairNet(lambda c: Tower([nn.Identity()], [c]), fusion, lambda width: nn.Identity())
    assert torch.equal(torch.get_rng_state(), state)
    assert fusion.norm.num_batches_tracked == 0
    assert not fusion.norm.running_mean.any()
    assert fusion.norm.training


def test_shared_towers_see_each_energy_alike(spec):
    model = build_model(spec(fusion="concat", share=True)).eval()
    assert len(model.towers) == 1
    assert count(model.towers) == 619_714
    low, high = torch.randn(2, 3, 1, 12, 12)
    ab, ba = model.parts(low, high), model.parts(high, low)
    torch.testing.assert_close(ab.vectors, ba.vectors[::-1])


def test_sharing_needs_images_of_one_width():
    class Uneven(Fusion):
        def inputs(self, low: Tensor, high: Tensor):
            return low, torch.cat((low, high), 1)

    with pytest.raises(InputError, match=r"share=true: Uneven makes images of \[1, 2\] channels"):
        PairNet(small, Uneven(), Linear, share=True)


def test_default_start_reaches_the_towers(spec):
    low, high = torch.randn(2, 16, 1, 20, 20)

    def gradient(init: str) -> float:
        torch.manual_seed(1)
        model = build_model(spec(init=init, norm=init != "paper"))
        nn.functional.cross_entropy(model(low, high), torch.arange(16) % 2).backward()
        return torch.cat([p.grad.flatten() for p in model.towers.parameters()]).norm().item()

    assert gradient("linear") > 1e3 * gradient("paper")


@pytest.mark.parametrize("seed", range(3))
def test_the_default_start_learns_faster_than_the_papers(seed):
    torch.manual_seed(seed)
    label = torch.arange(64) % 2
    low, high = torch.randn(2, 64, 1, 12, 12)
    low = low * (0.5 + label[:, None, None, None])  # ore is rougher in the low energy

    def loss_after(steps: int, init: str) -> float:
        torch.manual_seed(seed)
        model = PairNet(small, Hybrid(), lambda width: KAN(width, init=init, norm=init != "paper"))
        optimiser = torch.optim.Adam(model.parameters(), 3e-4)  # the paper's rate
        for _ in range(steps):
            loss = nn.functional.cross_entropy(model(low, high), label)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return loss.item()

    assert loss_after(20, "linear") < loss_after(20, "paper") / 2


def test_channels_last_changes_nothing(spec):
    model = build_model(spec(channels=2)).eval()
    low, high = torch.randn(2, 3, 2, 20, 20)
    expected = model(low, high)
    model = model.to(memory_format=torch.channels_last)
    mixed = model(low.contiguous(memory_format=torch.channels_last), high)
    torch.testing.assert_close(mixed, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (7, 19), (40, 40), (64, 33)])
def test_any_image_size(spec, size):
    model = build_model(spec()).eval()
    assert model(torch.randn(2, 1, *size), torch.randn(2, 1, *size)).shape == (2, 2)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_trains(dtype):
    model = PairNet(small, Fusion(), KAN)
    with torch.autocast("cpu", dtype):
        logits = model(torch.randn(4, 1, 12, 12), torch.randn(4, 1, 12, 12))
    logits.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_weights_load_safely_and_bit_for_bit(spec):
    model = build_model(spec())
    low, high = torch.randn(2, 4, 1, 16, 16)
    model(low, high)  # moves the running statistics off their start
    file = io.BytesIO()
    torch.save({"spec": spec(), "weights": model.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again = build_model(saved["spec"])
    again.load_state_dict(saved["weights"])
    assert torch.equal(again.eval()(low, high), model.eval()(low, high))


def test_a_last_batch_of_one_pair_trains(spec):
    model = build_model(spec()).train()
    statistics = model.heads[0].norm.running_var.clone()
    model(torch.randn(1, 1, 16, 16), torch.randn(1, 1, 16, 16)).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert torch.equal(model.heads[0].norm.running_var, statistics)
