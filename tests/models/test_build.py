import os
import subprocess

import pytest
import torch

from oresort.errors import InputError
from oresort.make import make, trust
from oresort.models.build import build_model
from oresort.models.fusions.fusion import Fusion
from oresort.models.fusions.hybrid import Hybrid
from oresort.models.heads.head import Head
from oresort.models.heads.kan import KAN
from oresort.models.heads.mlp import MLP
from oresort.models.pairnet import PairNet
from oresort.models.towers.tower import Tower
from oresort.paths import part


def test_make_builds_what_is_described():
    assert isinstance(make({"_target_": "oresort.models.fusions.hybrid.Hybrid"}, Fusion), Hybrid)
    head = make({"_target_": "oresort.models.heads.kan.KAN", "widths": [3]}, Head, in_features=5)
    assert isinstance(head, KAN)
    assert [layer.in_features for layer in head.layers] == [5, 3]


def test_a_perceptron_rectifies_its_hidden_layers_and_not_its_logits():
    head = MLP(1, widths=(2,))
    with torch.no_grad():
        for p, values in zip(head.parameters(), ([[1], [-1]], [0, 1], [[2, 0], [0, -3]], [0, 1]), strict=True):
            p.copy_(torch.tensor(values))
    # hidden: relu(x), relu(1 - x)
    assert head(torch.tensor([[5.0], [-2.0]])).tolist() == [[10, 1], [0, -8]]


@pytest.mark.parametrize("target", ["os.system", "subprocess.run", "builtins.exec", "oresort.models.heads.kan.KAN"])
def test_make_calls_nothing_but_a_subclass(target, monkeypatch):
    def called(*args, **keys):
        raise AssertionError("was called")

    monkeypatch.setattr(os, "system", called)
    monkeypatch.setattr(subprocess, "run", called)
    monkeypatch.setattr(KAN, "__init__", called)
    with pytest.raises(InputError, match="no such fusion"):
        make({"_target_": target, "command": "true"}, Fusion)


@pytest.mark.parametrize(
    "target", ["oresort.models.fusions.Hybird", "nowhere.Hybrid", "Hybrid", ".fusions.Hybrid", "", 3, None]
)
def test_an_unknown_name_lists_the_known_ones_in_one_line(target):
    with pytest.raises(InputError) as caught:
        make({"_target_": target}, Fusion)
    message = str(caught.value)
    assert "oresort.models.fusions.hybrid.Hybrid" in message
    assert "oresort.models.fusions.mid.MMTM" in message
    assert "oresort.models.heads.kan" not in message
    assert "\n" not in message


def test_a_broken_module_is_not_called_unknown(tmp_path, monkeypatch):
    (tmp_path / "my_fusions.py").write_text("import not_installed_here\n")
    monkeypatch.syspath_prepend(tmp_path)
    trust("my_fusions")
    with pytest.raises(ModuleNotFoundError, match="not_installed_here"):
        make({"_target_": "my_fusions.Mine"}, Fusion)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"wdiths": [6]}, "'wdiths'; accepted: widths, basis, init, norm, sparsity"),
        (
            {"in_features": 3},
            "'in_features' is not set by hand; accepted: widths, basis, init, norm, sparsity",
        ),
        ({"widths": "64,32"}, "widths='64,32'"),
        ({"widths": [64, -1]}, "widths=-1"),
        ({"widths": 64}, "widths=64"),
        ({"norm": "no"}, "norm='no'"),
        ({"sparsity": -1}, "sparsity=-1"),
        ({"basis": {"_target_": "oresort.models.kan.bases.Chebishev"}}, "no such basis; known: .*Chebyshev"),
        ({"basis": {"_target_": "oresort.models.kan.bases.Chebyshev", "degree": 0}}, "degree=0"),
        (
            {"basis": {"_target_": "oresort.models.kan.bases.Chebyshev", "order": 3}},
            "'order'; accepted: degree",
        ),
    ],
)
def test_a_wrong_keyword_is_named_in_one_line(keys, named):
    with pytest.raises(InputError, match=named) as caught:
        make({"_target_": "oresort.models.heads.kan.KAN", **keys}, Head, in_features=5)
    assert "\n" not in str(caught.value)


def test_a_class_without_settings_accepts_none():
    with pytest.raises(InputError, match="'gate'; accepted: none"):
        make({"_target_": "oresort.models.fusions.hybrid.Hybrid", "gate": 1}, Fusion)


@pytest.mark.parametrize("face", ["towers.tower.Tower", "heads.head.Head"])
def test_a_face_alone_is_no_part_of_a_model(spec, face):
    with pytest.raises(InputError, match=face):
        build_model({**spec(), face.split(".")[0].removesuffix("s"): {"_target_": f"oresort.models.{face}"}})


def test_a_missing_keyword_is_named():
    with pytest.raises(InputError, match="'in_features'"):
        make({"_target_": "oresort.models.heads.mlp.Linear"}, Head)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"towre": {}}, "unknown key 'towre'"),
        ({"head": None}, "'head' must be a mapping"),
        ({"channels": 0}, "channels=0"),
        ({"share": "no"}, "share='no'"),
        ({"fusion": {}}, "no such fusion; known: .*oresort"),
    ],
)
def test_a_wrong_model_is_named(spec, change, named):
    with pytest.raises(InputError, match=named):
        build_model({**spec(), **change})


def test_a_tower_needs_a_width(spec):
    model = spec()
    model["tower"]["widths"] = []
    with pytest.raises(InputError, match=r"widths=\[\]"):
        build_model(model)


@pytest.mark.parametrize("widths", [[4_000_000, 4, 4], [65_536, 65_536, 65_536], [4] * 1000])
def test_a_model_beyond_memory_is_refused_before_it_is_built(widths: list[int]):
    spec = {
        "tower": part("model/tower", "compact", widths=widths),
        "fusion": part("model/fusion", "stack"),
        "head": part("model/head", "linear"),
    }
    with pytest.raises(InputError, match=r"widths=|2 GB"):
        build_model(spec)


def test_the_bound_changes_no_random_draw():
    spec = {group: part(f"model/{group}", name) for group, name in (("tower", "compact"), ("fusion", "stack"))}
    spec["head"] = part("model/head", "kan")
    torch.manual_seed(0)
    build_model(spec)
    after = torch.rand(1)
    torch.manual_seed(0)
    PairNet(
        lambda channels: make(spec["tower"], Tower, channels=channels),
        make(spec["fusion"], Fusion),
        lambda width: make(spec["head"], Head, in_features=width),
    )
    assert torch.equal(torch.rand(1), after)
