"""Known answers of the fusions, on numbers that can be checked by hand."""

import pytest
import torch
from torch import Tensor
from zoo import FILES, NARROW, member, pairs, part

from oresort.errors import InputError
from oresort.make import make
from oresort.models.fusions.decision import Evidential, ProductVote
from oresort.models.fusions.fusion import Fusion
from oresort.models.heads.mlp import Linear
from oresort.models.pairnet import PairNet
from oresort.models.towers.paper import PaperTower

A, B = torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 4.0]])
SEVENTY, NINETY = torch.tensor([[0.3, 0.7]]).log(), torch.tensor([[0.1, 0.9]]).log()


def built(name: str, dims: tuple[int, ...] = (2, 2), **keys) -> Fusion:
    fusion = make(part("fusion", name, **keys), Fusion)
    fusion.build([dims, dims])
    return fusion


def filled(name: str, value: float, **keys) -> Fusion:
    fusion = built(name, **keys)
    with torch.no_grad():
        for p in fusion.parameters():
            p.fill_(value)
    return fusion


def is_close(found: Tensor, *numbers: float) -> None:
    torch.testing.assert_close(found.flatten(), torch.tensor(numbers, dtype=found.dtype), atol=1e-5, rtol=1e-5)


IMAGES = [
    ("low", {}, [[1, -2]]),
    ("high", {}, [[3, 4]]),
    ("stack", {}, [[1, -2, 3, 4]]),
    ("data_sum", {}, [[4, 2]]),
    ("difference", {}, [[-2, -6]]),
    ("pseudo_color", {}, [[1, -2, 3, 4, -2, -6]]),
    ("pseudo_color", {"third": "ratio"}, [[1, -2, 3, 4, 3 / 9.0025, -8 / 16.0025]]),
    ("hybrid", {}, [[4, 2], [-2, -6]]),
    ("stack_both", {}, [[1, -2, 3, 4], [1, -2, 3, 4]]),
]


@pytest.mark.parametrize(("name", "keys", "expected"), IMAGES)
def test_data_level(name, keys, expected):
    images = built(name, **keys).inputs(A[:, :, None, None], B[:, :, None, None])
    assert len(images) == len(expected)
    for image, numbers in zip(images, expected, strict=True):
        is_close(image, *numbers)


VECTORS = [
    (built("sum"), [4, 2]),
    (built("hybrid"), [4, 2]),
    (built("stack_both"), [4, 2]),
    (built("concat"), [1, -2, 3, 4]),
    (built("max"), [3, 4]),
    (built("product"), [3, -8]),
    (built("weighted"), [2, 1]),
    # all weights 1/2: gate z = sigmoid((1 - 2 + 3 + 4 + 1) / 2), maps tanh(0) and tanh(4)
    (filled("gmu", 0.5), [(1 - 0.970688) * 0.999329] * 2),
    # all weights 1/2: scale and shift (3 + 4 + 1) / 2 = 4
    (filled("film", 0.5), [5 * 1 + 4, 5 * -2 + 4]),
    # all weights 1/2, two ranks: 2 * 1/2 * (1 - 2 + 1) / 2 * (3 + 4 + 1) / 2 + 1/2
    (filled("lmf", 0.5, rank=2), [0.5, 0.5]),
]


@pytest.mark.parametrize(("fusion", "expected"), VECTORS, ids=lambda x: type(x).__name__)
def test_feature_level(fusion, expected):
    (vector,) = fusion.features(A, B)
    is_close(vector, *expected)


def test_low_rank_fusion_is_the_bilinear_map_of_its_factors():
    fusion = built("lmf", rank=3).double()
    a, b = torch.randn(2, 5, 2, dtype=torch.float64)
    u, v = (torch.cat((m.weight, m.bias[:, None]), 1).reshape(3, 2, 3) for m in (fusion.low, fusion.high))
    tensor = torch.einsum("r,roi,roj->oij", fusion.ranks[:, 0], u, v)
    ones = torch.ones(5, 1, dtype=torch.float64)
    expected = torch.einsum("oij,bi,bj->bo", tensor, torch.cat((a, ones), 1), torch.cat((b, ones), 1))
    torch.testing.assert_close(fusion.features(a, b)[0], expected + fusion.bias)


LOGITS = [
    (built("mean"), [2, 1]),
    (built("decision_weighted"), [2, 1]),
    (built("stacking"), [2, 1]),
]


@pytest.mark.parametrize(("fusion", "expected"), LOGITS, ids=lambda x: type(x).__name__)
def test_decision_level_on_logits(fusion, expected):
    is_close(fusion.decide(A, B), *expected)


def odds(yes: float, no: float) -> list[float]:
    return [no / (yes + no), yes / (yes + no)]


PROBABILITIES = [
    (ProductVote(), odds(0.7 * 0.9, 0.3 * 0.1)),
    (ProductVote(prior=0.8), odds(0.7 * 0.9 / 0.8, 0.3 * 0.1 / 0.2)),
    (built("decision_max"), odds(0.9, 0.3)),
]


@pytest.mark.parametrize(("fusion", "expected"), PROBABILITIES, ids=lambda x: type(x).__name__)
def test_decision_level_on_probabilities(fusion, expected):
    is_close(fusion.decide(SEVENTY, NINETY).softmax(1), *expected)
    is_close(fusion.decide(SEVENTY + 5, NINETY - 3).softmax(1), *expected)  # a shift of all logits says nothing


def test_modulation_scales_by_its_first_half_and_shifts_by_its_second():
    fusion = filled("film", 0.0)
    with torch.no_grad():
        fusion.modulation.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0], [0.0, 0.0]]))
        fusion.modulation.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 7.0]))
    is_close(fusion.features(A, B)[0], (1 + 3) * 1 + 2 * 4, (1 + 4) * -2 + 7)


def test_learned_votes_follow_their_weights():
    fusion = built("decision_weighted", per_class=True)
    with torch.no_grad():
        fusion.scores.copy_(torch.tensor([[3.0, 1.0], [1.0, 1.0]]).log())
    is_close(fusion.decide(A, B), 0.75 * 1 + 0.25 * 3, 1)
    fusion = built("weighted", per_feature=False)
    with torch.no_grad():
        fusion.scores.copy_(torch.tensor([[3.0], [1.0]]).log())
    is_close(fusion.features(A, B)[0], 0.75 * 1 + 0.25 * 3, 0.75 * -2 + 0.25 * 4)


def test_evidence_follows_dempsters_rule():
    # opinions by the publication: beliefs b = e / S, u = K / S with S = sum(e) + K, then Dempster's rule
    e1, e2 = torch.tensor([[2.0, 6.0]]), torch.tensor([[1.0, 3.0]])
    (b1, u1), (b2, u2) = ((e / (e.sum() + 2), 2 / (e.sum() + 2)) for e in (e1, e2))
    conflict = b1[0, 0] * b2[0, 1] + b1[0, 1] * b2[0, 0]
    belief = (b1 * b2 + b1 * u2 + b2 * u1) / (1 - conflict)
    doubt = u1 * u2 / (1 - conflict)
    logits = Evidential().decide(e1.expm1().log(), e2.expm1().log())  # inverse of softplus
    torch.testing.assert_close(logits.softmax(1), belief + doubt / 2)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", [n for n in FILES["fusion"] if type(built(n, (8, 8))).decide is not Fusion.decide])
def test_sure_heads_give_finite_logits_and_gradients(name, dtype):
    for size in (400.0, 3e4):
        logits = [(size * torch.tensor(rows)).requires_grad_() for rows in ([[1, -1], [1, 1]], [[1, -1], [-1, 1]])]
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            joint = built(name).decide(*(x.to(dtype or x.dtype) for x in logits))
        assert joint.isfinite().all()
        torch.nn.functional.cross_entropy(joint.float(), torch.tensor([0, 1])).backward()
        assert all(x.grad.isfinite().all() for x in logits)


def test_transfer_module_of_zero_weights_is_the_identity():
    fusion = filled("mmtm", 0.0)
    maps = torch.randn(2, 3, 2, 4, 4)
    torch.testing.assert_close(torch.stack(fusion.exchange(0, *maps)), maps)


def test_transfer_module_by_hand():
    fusion = filled("mmtm", 0.5, stages=[1])
    maps = (torch.full((1, 2, 2, 2), 1.0), torch.full((1, 2, 2, 2), 2.0))
    assert fusion.exchange(0, *maps) == maps
    # squeezed: 2 channels of (1 + 1 + 2 + 2 + 1) / 2 = 3.5; gate 2 sigmoid((3.5 + 3.5 + 1) / 2)
    gate = 2 / (1 + torch.tensor(-4.0).exp().item())
    low, high = fusion.exchange(1, *maps)
    is_close(low, *[gate] * 8)
    is_close(high, *[2 * gate] * 8)


def test_transfer_module_rectifies_what_it_squeezes():
    fusion = filled("mmtm", 0.5, stages=[0])
    with torch.no_grad():
        fusion.squeeze["0"].bias.fill_(-9)  # below 0, so that the gates' own biases are all that is left
    maps = torch.randn(2, 1, 2, 3, 3)
    gate = 2 * torch.sigmoid(torch.tensor(0.5))
    torch.testing.assert_close(torch.stack(fusion.exchange(0, *maps)), gate * maps)


def test_cross_attention_of_equal_values_adds_their_projection():
    fusion = built("cross_attention", heads=1, grid=2)
    fusion.eval()
    own, other = torch.randn(1, 2, 3, 3), torch.ones(1, 2, 4, 4) * torch.tensor([3.0, -1.0])[:, None, None]
    seen, _ = fusion.exchange(1, own, own)
    assert not torch.allclose(seen, own)
    seen = fusion.exchange(1, own, other)[0] - own
    attention = fusion.attention[0]
    weight, bias = attention.in_proj_weight[4:], attention.in_proj_bias[4:]
    expected = attention.out_proj(weight @ torch.tensor([3.0, -1.0]) + bias)
    torch.testing.assert_close(seen, expected[None, :, None, None].expand_as(own))


def test_cross_attention_by_the_formula():
    fusion = built("cross_attention", dims=(4, 4), heads=2, grid=2).double().eval()
    own, other = torch.randn(2, 1, 4, 4, 4, dtype=torch.float64)
    attention = fusion.attention[1]  # of the high energy's tower, which asks the low one's
    wq, wk, wv = attention.in_proj_weight.chunk(3)
    bq, bk, bv = torch.randn(3, 4, dtype=torch.float64)
    with torch.no_grad():
        attention.in_proj_bias.copy_(torch.cat((bq, bk, bv)))
    q = own[0].flatten(1).T @ wq.T + bq  # (16, 4)
    pooled = torch.stack([other[0, :, i : i + 2, j : j + 2].mean((1, 2)) for i in (0, 2) for j in (0, 2)])
    k, v = pooled @ wk.T + bk, pooled @ wv.T + bv  # (4, 4)
    heads = [(q[:, h] @ k[:, h].T / 2**0.5).softmax(1) @ v[:, h] for h in (slice(0, 2), slice(2, 4))]  # (16, 2) each
    seen = torch.cat(heads, 1) @ attention.out_proj.weight.T + attention.out_proj.bias
    expected = own + seen.T.reshape(1, 4, 4, 4)
    torch.testing.assert_close(fusion.exchange(1, other, own)[1], expected)


def test_cross_attention_does_not_mix_pairs():
    fusion = built("cross_attention", dims=(8, 8)).eval()
    maps = torch.randn(2, 4, 8, 5, 5)
    whole = fusion.exchange(1, *maps)[0]
    torch.testing.assert_close(fusion.exchange(1, *maps[:, 2:3])[0], whole[2:3])


@pytest.mark.parametrize("name", FILES["fusion"])
def test_gradcheck(name):
    model = member({**NARROW, "widths": [4, 4], "squeeze": 2}, name, "linear").double().eval()
    low, high = pairs(2, channels=1, size=5)
    seen = [{"low": low, "high": high}[energy].requires_grad_() for energy in model.fusion.energies]
    assert torch.autograd.gradcheck(lambda *_: model(low, high), [*model.fusion.parameters(), *seen])


@pytest.mark.parametrize(
    ("name", "keys", "named"),
    [
        ("pseudo_color", {"third": "sum"}, "third='sum': known are difference, ratio"),
        ("lmf", {"rank": 0}, "rank=0"),
        ("decision_product", {"prior": 1.0}, "prior=1.0"),
        ("mmtm", {"stages": [7]}, "stages=7: the towers have stages 0 to 1"),
        ("mmtm", {"stages": [True]}, "stages=.True.: give"),
        ("cross_attention", {"grid": 1}, "grid=1"),
        ("cross_attention", {"heads": 3}, "heads=3: must divide the 2 channels"),
        ("cross_attention", {"stage": -1}, "stage=-1"),
    ],
)
def test_bad_settings_are_named_in_one_line(name, keys, named):
    with pytest.raises(InputError, match=named) as caught:
        built(name, **keys)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FILES["fusion"])
def test_a_missing_or_odd_energy_is_named(name):
    model = member(NARROW, name, "linear").eval()
    images = dict(zip(("low", "high"), torch.randn(2, 1, 1, 9, 9), strict=True))
    whole = model(**images)
    for energy in images:
        without = {**images, energy: None}
        if energy not in model.fusion.energies:
            assert torch.equal(model(**without), whole)
            continue
        with pytest.raises(InputError, match=f"needs.*{energy}.*got.*{energy} missing.*fusion=low") as caught:
            model(**without)
        assert "\n" not in str(caught.value)
    if len(model.fusion.energies) == 2:
        with pytest.raises(InputError, match=r"high \(1, 1, 8, 9\)"):
            model(images["low"], torch.zeros(1, 1, 8, 9))


def test_weights_for_two_towers_refuse_one():
    class Alone(type(built("gmu"))):
        def inputs(self, low, high):
            return (low,)

    with pytest.raises(InputError, match=r"Alone: joins two towers of one width, got \[8\]"):
        PairNet(lambda c: PaperTower(c, widths=(4, 8), squeeze=2), Alone(), Linear)


def test_every_fusion_of_the_package_has_a_file():
    targets = {part("fusion", name)["_target_"] for name in FILES["fusion"]}
    with pytest.raises(InputError) as caught:
        make({"_target_": "none"}, Fusion)
    known = str(caught.value).split("known: ")[1].split(", ")
    assert {name for name in known if name.startswith("oresort.")} == targets
    assert len(targets) == len(FILES["fusion"])
