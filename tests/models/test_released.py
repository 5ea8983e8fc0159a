import numpy as np
import pandas as pd
import pytest
import torch
from authors import Published

from oresort import evaluate
from oresort import import_weights as import_command
from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.module import OreModule
from oresort.models.released import from_released, import_released
from oresort.paths import CONF_DIR


@pytest.fixture
def published():
    return Published().eval()


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [False, True])
def test_logits_agree(published, tmp_path, prefix, wrapped):
    state = {prefix + key: value for key, value in published.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3} if wrapped else state, tmp_path / "w.pth")
    model = import_released(tmp_path / "w.pth")
    low, high = torch.randn(2, 16, 1, 40, 40)
    with torch.no_grad():
        expected, found = published(low, high), model(low, high)
        exact = published.double()(low.double(), high.double())
        assert expected.std() > 0.05
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(model.double()(low.double(), high.double()), exact, atol=1e-9, rtol=0)


def test_the_published_count_includes_the_unused_layers(published):
    count = sum(p.numel() for p in published.parameters())
    assert count == 1_316_384
    assert count - sum(p.numel() for p in from_released(published.state_dict()).parameters()) == 516


def test_linear_bottlenecks_and_missing_counters_load(published):
    state = {
        key: value.flatten(1) if ".ca." in key else value
        for key, value in published.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    low, high = torch.randn(2, 3, 1, 40, 40)
    with torch.no_grad():
        torch.testing.assert_close(from_released(state)(low, high), published(low, high), atol=1e-5, rtol=0)


def broken(state, kind):
    key = "model_high.res_block2.conv1.weight"
    if kind == "missing":
        del state[key]
    elif kind == "unknown":
        state["model_high.res_block3.conv1.weight"] = state[key]
    elif kind == "shape":
        state[key] = state[key][:5]
    elif kind == "no head":
        state = {k: v for k, v in state.items() if "classifier" not in k}
    elif kind == "gap":
        del state["classifier.act_fun.2.cheby_coeffs"]
    return state


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("missing", "towers.1.stages.2.body.0.weight is missing"),
        ("unknown", "unknown key model_high.res_block3"),
        ("shape", r"is \(5, 64, 3, 3\), the paper's is \(128, 64, 3, 3\)"),
        ("no head", "no classifier.act_fun.0"),
        ("gap", "without a gap"),
    ],
)
def test_other_weights_are_named_in_one_line(published, tmp_path, kind, named):
    torch.save(broken(dict(published.state_dict()), kind), tmp_path / "w.pth")
    with pytest.raises(InputError, match=named) as caught:
        import_released(tmp_path / "w.pth")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_other_files_are_named(published, tmp_path):
    for content, named in ((None, "no such file"), (b"no", "loads safely"), ([1], "not a state dict")):
        file = tmp_path / "w.pth"
        if isinstance(content, bytes):
            file.write_bytes(content)
        elif content is not None:
            torch.save(content, file)
        with pytest.raises(InputError, match=named):
            import_released(file)
    torch.save(published, tmp_path / "whole.pth")  # a pickled module is code
    with pytest.raises(InputError, match="loads safely"):
        import_released(tmp_path / "whole.pth")


def test_the_command_makes_a_checkpoint_that_evaluate_and_lightning_take(published, command, dataset, tmp_path):
    torch.save(published.state_dict(), tmp_path / "w.pth")
    ckpt = tmp_path / "out" / "published.ckpt"
    code, out, err = command(import_command, f"weights={tmp_path / 'w.pth'}", f"out={ckpt}")
    assert code == 0, err
    assert "1,315,868 parameters" in out
    assert [path.name for path in ckpt.parent.iterdir()] == ["published.ckpt"]

    code, out, err = command(evaluate, f"ckpt={ckpt}", f"data.root={dataset}", f"out={tmp_path / 'eval'}")
    assert code == 0, err
    predictions = pd.read_csv(tmp_path / "eval" / "predictions.csv")
    # the same pairs through the published network
    trained = load_trained(ckpt)
    assert trained.threshold == 0.5
    batches = list(OreDataModule(**{**trained.data, "root": str(dataset)}).loader("test"))
    low, high, index = (torch.cat([batch[key] for batch in batches]) for key in ("low", "high", "index"))
    assert low.shape[1:] == (1, 40, 40)
    with torch.no_grad():
        p_ore = published(low, high).softmax(1)[index.argsort(), 1]
    np.testing.assert_allclose(predictions["p_ore"], p_ore, atol=1e-5)
    assert torch.equal(
        OreModule.load_from_checkpoint(ckpt).eval()(low, high), trained.module(low, high)
    )  # no arguments


def test_the_command_names_bad_files_in_one_line_and_leaves_nothing(published, command, tmp_path):
    torch.save(broken(dict(published.state_dict()), "missing"), tmp_path / "w.pth")
    for name, named in (("w.pth", "body.0.weight is missing"), ("v.pth", "no such file")):
        code, _, err = command(import_command, f"weights={tmp_path / name}", f"out={tmp_path / 'out.ckpt'}")
        assert code == 1
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1
        assert named in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["w.pth"]


def test_help_explains_every_key(command):
    code, out, _ = command(import_command, "--help")
    assert code == 0
    keys = (CONF_DIR / "import_weights.yaml").read_text().split("# --- keys\n")[1].split("\n\n")[0]
    for line in keys.splitlines():
        assert line in out
        assert "#" in line
