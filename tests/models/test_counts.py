"""The parameter counts of the paper's four tables, to its printed digits (millions)."""

import pytest
import torch
from zoo import member, part

PAPER = part("tower", "paper")


def million(tower, fusion, head, **head_keys):
    from oresort.models.build import build_model

    spec = {"tower": tower, "fusion": part("fusion", fusion), "head": part("head", head, **head_keys)}
    with torch.device("meta"):  # shapes only: nothing is drawn, and ViT-Base takes no memory
        model = build_model(spec)
    return f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f}"


@pytest.mark.parametrize(
    ("tower", "printed"),
    [
        ("alexnet", "14.57"),
        ("vgg16", "134.27"),
        ("resnet34", "21.28"),
        ("mobilenetv3_small", "1.52"),
        ("efficientnetv2_s", "20.18"),
        ("convnext_tiny", "27.82"),
        ("vit_base", "85.41"),
        # the paper prints 24.52; no variant of Swin-Tiny has that, the standard one has 27.52
        ("swin_tiny", "27.52"),
    ],
)
def test_comparison(tower, printed):
    assert million(part("tower", tower), "low", "linear") == printed


def test_comparison_the_papers_model():
    assert million(PAPER, "hybrid", "kan") == "1.32"


@pytest.mark.parametrize(("fusion", "printed"), [("high", "0.62"), ("low", "0.62"), ("mean", "1.24")])
def test_energy(fusion, printed):
    assert million(PAPER, fusion, "linear") == printed


@pytest.mark.parametrize(
    ("level", "fusion", "head", "keys", "printed"),
    [
        ("data", "stack", "linear", {}, "0.62"),
        ("decision", "mean", "linear", {}, "1.24"),
        ("feature", "concat", "mlp", {"widths": [64]}, "1.26"),
        ("hybrid", "hybrid", "kan2", {}, "1.27"),
    ],
)
def test_fusion(level, fusion, head, keys, printed):
    assert million(PAPER, fusion, head, **keys) == printed


@pytest.mark.parametrize(
    ("head", "printed"),
    [
        ("mlp", "1.24"),
        ("mlp4", "1.25"),
        ("mlp6", "1.25"),
        ("kan2", "1.27"),
        ("kan4", "1.31"),
        ("kan", "1.32"),
    ],
)
def test_classifier(head, printed):
    assert million(PAPER, "hybrid", head) == printed


def test_two_channels_change_the_first_layer_alone():
    for tower in ("alexnet", "resnet34", "mobilenetv3_small"):
        one, two = (member(part("tower", tower), fusion, "linear") for fusion in ("low", "stack"))
        different = [
            name
            for (name, a), (_, b) in zip(one.state_dict().items(), two.state_dict().items(), strict=True)
            if a.shape != b.shape
        ]
        assert len(different) == 1
