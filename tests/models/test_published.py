"""The published networks as towers."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from zoo import FILES, member, part, smallest

from oresort.errors import InputError

PUBLISHED = [name for name in FILES["tower"] if "size" in part("tower", name)]
HEAVY = {"vgg16", "vit_base", "convnext_tiny", "swin_tiny", "efficientnetv2_s", "resnet34", "alexnet"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in HEAVY else ()) for n in PUBLISHED])
@pytest.mark.parametrize("fusion", ["stack", "concat"])
def test_small_images_train_every_parameter(name, fusion):
    tower = part("tower", name, size=smallest(name))
    model = member(tower, fusion, "linear")
    low, high = torch.randn(2, 4, 1, 40, 40)
    logits = model(low, high)
    assert logits.shape == (4, 2)
    nn.functional.cross_entropy(logits, torch.arange(4) % 2).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    model.eval()
    with torch.no_grad():
        torch.testing.assert_close(model(low[1:2], high[1:2]), model(low, high)[1:2], atol=1e-4, rtol=1e-3)


def test_the_compact_tower_takes_any_size_and_a_seventieth_of_the_work():
    compact = member(part("tower", "compact"), "stack", "linear").eval()
    papers = member(part("tower", "paper"), "hybrid", "kan").eval()
    assert sum(p.numel() for p in compact.towers.parameters()) == 16_608
    work = []
    for model in (papers, compact):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(*torch.randn(2, 1, 1, 40, 40))
        work.append(counter.get_total_flops())
    assert round(work[0] / work[1]) == 71
    for height, width in ((1, 1), (5, 3), (40, 40), (61, 47)):
        image = torch.randn(2, 2, height, width)
        for stage, times in zip(compact.towers[0].stages, (1, 2, 4), strict=True):
            image = stage(image)
            assert image.shape[2:] == (-(-height // times), -(-width // times))
        assert image.shape[1] == 32


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_papers_224_pixels(name):
    model = member(part("tower", name, size=224), "low", "linear").eval()
    low, high = torch.randn(2, 1, 1, 224, 224)
    with torch.no_grad():
        assert model(low, high).isfinite().all()
        assert model(low[..., :50, :60], high[..., :50, :60]).isfinite().all()  # resized


@pytest.mark.parametrize("tower", ["alexnet", "resnet34", "mobilenetv3_small"])
def test_two_channels_change_the_first_layer_alone(tower):
    one, two = (member(part("tower", tower), fusion, "linear") for fusion in ("low", "stack"))
    pairs = zip(one.state_dict().items(), two.state_dict().items(), strict=True)
    assert len([name for (name, a), (_, b) in pairs if a.shape != b.shape]) == 1


def test_images_of_its_size_are_left_alone():
    tower = member(part("tower", "timm", size=40), "low", "linear").towers[0].eval()
    image = torch.randn(2, 1, 40, 40)
    with torch.no_grad():
        assert torch.equal(tower(image), tower.stages[0].network(image))


def test_alexnet_pools_three_times():
    with torch.device("meta"):
        network = member(part("tower", "alexnet"), "low", "linear").towers[0].stages[0].network
        pooled = next(i for i, layer in enumerate(network) if isinstance(layer, nn.AdaptiveAvgPool2d))
        assert network[:pooled](torch.zeros(1, 1, 224, 224)).shape == (1, 128, 6, 6)


def test_transfer_between_timm_towers_and_no_attention_on_vectors():
    images = torch.randn(2, 3, 1, 40, 40)
    assert member(part("tower", "timm"), "mmtm", "linear")(*images).shape == (3, 2)
    with pytest.raises(InputError, match=r"maps of one position.*MMTM"):
        member(part("tower", "timm"), "cross_attention", "linear")(*images)


@pytest.mark.parametrize(
    ("name", "size", "width"),
    [
        ("pvt_v2_b0", 40, 256),  # patches that overlap: no multiple of 7 is asked for
        ("xcit_nano_12_p16_224", 48, 128),  # its patches' size is one number
        ("efficientvit_m0", 64, 192),
        ("vit_tiny_patch16_224", 48, 192),  # built for one size
        ("mobilenetv3_small_100", 40, 1024),  # layers between pooling and classifier
    ],
)
def test_networks_that_describe_themselves_each_in_its_own_way(name, size, width):
    assert member({**part("tower", "timm"), "name": name, "size": size}, "low", "linear").dims == (width,)


@pytest.mark.parametrize(
    ("name", "keys", "named"),
    [
        ("timm", {"name": "resnet43"}, "'resnet43': timm has no such model; similar are .*resnet"),
        ("timm", {"name": "hf-hub:timm/resnet18"}, "timm has no such model"),
        ("timm", {"name": 3}, "name=3: "),
        ("timm", {"name": "???"}, "timm has no such model"),
        ("timm", {"size": 0}, "size=0"),
        ("vit_base", {"size": 40.5}, "size=40.5"),
        ("vit_base", {"size": 8}, "size=8: vit_base_patch16_224 cannot take .* 1 x 8 x 8; .* size=224"),
        ("vit_base", {"size": 40}, "size=40: .* ignore the border; give a multiple of its patches' 16"),
        ("timm", {"name": "test_vit"}, "size=40: test_vit cannot take .* 1 x 40 x 40; .* size=160"),
        ("timm", {"name": "inception_v3"}, "size=40: .*; it was published for size=299"),  # pooled to nothing
        ("alexnet", {"size": 40}, "size=40: AlexNet .* at least 63"),
        ("alexnet", {"dropout": 1.0}, "dropout=1.0"),
    ],
)
def test_bad_settings_are_named_in_one_line(name, keys, named):
    with pytest.raises(InputError, match=named) as caught:
        member({**part("tower", name), **keys}, "low", "linear")
    assert "\n" not in str(caught.value)
