"""Nothing is imported or called because a file from a stranger names it."""

import sys
from pathlib import Path

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from torch.optim import Optimizer

from oresort import make as room
from oresort.errors import InputError
from oresort.make import make, targets, trust
from oresort.models.fusions.fusion import Fusion

MARK = "from pathlib import Path\nPath('imported').touch()\n"
MINE = (
    "from oresort.models.fusions.fusion import Fusion\n"
    "class Mine(Fusion):\n    def __init__(self, side=1):\n        super().__init__()\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, from which Python imports."""
    (tmp_path / "evilmod.py").write_text(MARK + MINE)
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "__main__.py").write_text(MARK + MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(room, "_trusted", set())
    monkeypatch.delitem(sys.modules, "evilmod", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("target", "base"),
    [
        ("evilmod.Mine", Fusion),
        ("venv.__main__.Mine", Fusion),
        ("venv.__main__.x", Optimizer),
        ("os.system", Fusion),
        ("torch.hub.load", Fusion),  # of a library that a fusion has nothing to do with
        ("torch.__main__.x", Optimizer),
        ("lightning.pytorch.cli.LightningCLI", Optimizer),
    ],
)
def test_what_the_user_did_not_name_is_not_imported(folder: Path, target: str, base: type):
    before = set(sys.modules)
    with pytest.raises(InputError, match="not imported, since you did not name it") as caught:
        make({"_target_": target}, base)
    assert f"add modules=[{target.partition('.')[0]}]" in str(caught.value)
    assert not (folder / "imported").exists()
    assert {name for name in set(sys.modules) - before if not name.startswith("oresort.")} == set()


def test_a_checkpoint_that_names_a_module_of_its_own_is_refused(folder: Path, trained: Path):
    from oresort.learn.checkpoint import load_trained

    content = torch.load(trained / "checkpoints" / "best.ckpt", weights_only=True)
    for target in ("evilmod.Mine", "venv.__main__.Mine"):
        content["hyper_parameters"]["model"]["fusion"] = {"_target_": target}
        torch.save(content, folder / "stranger.ckpt")
        with pytest.raises(InputError, match=r"stranger\.ckpt"):
            load_trained(folder / "stranger.ckpt")
    assert not (folder / "imported").exists()


@pytest.mark.parametrize("name", ["evilmod", "evilmod.Mine"])
def test_what_the_user_named_is_made(folder: Path, name: str):
    trust(name)
    assert make({"_target_": "evilmod.Mine", "side": 3}, Fusion).__class__.__name__ == "Mine"
    with pytest.raises(InputError):
        make({"_target_": "evilmodule.Mine"}, Fusion)


def test_every_target_of_a_configuration_is_found():
    head = {"_target_": "a.Head", "basis": {"_target_": "b.Basis"}}
    assert list(targets({"model": {"head": head}, "seed": 1, "callbacks": None})) == ["a.Head", "b.Basis"]


def test_a_wrong_name_of_a_library_lists_what_is_known_without_importing_it_all():
    before = len(sys.modules)
    with pytest.raises(InputError, match=r"known: .*ModelCheckpoint"):
        make({"_target_": "lightning.pytorch.callbacks.Nonsense"}, Callback)
    assert len(sys.modules) - before < 10


def test_what_a_class_of_another_package_refuses_is_told():
    with pytest.raises(InputError, match=r"EarlyStopping.*mode=.up.*accepted: monitor"):
        make({"_target_": "lightning.pytorch.callbacks.EarlyStopping", "monitor": "x", "mode": "up"}, Callback)
