"""Images that cannot be what a dataset's index says they are: refused before anything is learned or measured."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pairs import AIR, SMALL, write_image, write_manifest, write_released

import oresort
from oresort import evaluate, train
from oresort.classic import __main__ as classic
from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.files.image import read_image
from oresort.files.manifest import load_manifest
from oresort.learn.evaluation import evaluate_checkpoint

Image = NDArray[np.uint16]
INDEX = {
    "exchanged": lambda f: f.rename(columns={"low": "high", "high": "low"}),
    "background": lambda f: f.assign(background="air"),
    "air too low": lambda f: f.assign(air=AIR / 4),
}
PIXELS: dict[str, Callable[[Image], Image]] = {
    "inverted": lambda image: np.where(image > 0, 65_535 - image, 0).astype(np.uint16),
    "14 bits": lambda image: image // 5,
}


def broken(root: Path, kind: str) -> Path:
    """A dataset with a manifest, its index or its images changed."""
    write_manifest(write_released(root))
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    if kind in PIXELS:
        for name in [*frame["low"], *frame["high"]]:
            write_image(root / name, PIXELS[kind](read_image(root / name)))
    elif kind == "same":
        for low, high in zip(frame["low"], frame["high"], strict=True):
            write_image(root / high, read_image(root / low))
    else:
        frame = INDEX[kind](frame)
    frame.to_csv(root / "manifest.csv", index=False)
    return root


@pytest.mark.parametrize("kind", ["exchanged", "background", "air too low", "inverted", "14 bits", "same"])
def test_what_predict_refuses_of_a_pair_no_command_learns_or_measures(
    tmp_path: Path, trained: Path, kind: str, command
):
    root = broken(tmp_path / "set", kind)
    with pytest.raises(InputError, match=r"48 of 48 pairs that were looked at cannot be right, such as .*tiff"):
        OreDataModule(root).setup()
    code, _, err = command(evaluate, f"ckpt={trained}", f"data.root={root}")
    assert code == 1
    assert "cannot be right" in err
    assert err.count("\n") == 1
    code, _, err = command(classic, f"data.root={root}", f"out={tmp_path / 'out'}")
    assert code == 1
    assert "cannot be right" in err
    assert not (tmp_path / "out").exists()


def test_a_representation_that_asks_for_no_air_is_not_judged_by_it(tmp_path: Path, compose_train):
    root = broken(tmp_path / "set", "14 bits")
    cfg = compose_train("representation=standardized")
    OreDataModule(root, cfg.representation).setup()
    with pytest.raises(InputError, match="give the air level"):
        OreDataModule(root).setup()
    with pytest.raises(InputError, match="exchanged"):
        OreDataModule(broken(tmp_path / "other", "exchanged"), cfg.representation).setup()


def test_a_few_odd_pairs_are_warned_of_and_refused_where_that_is_asked(tmp_path: Path):
    root = write_manifest(write_released(tmp_path / "set"))
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    frame.loc[3, ["low", "high"]] = frame.loc[3, ["high", "low"]].to_numpy()
    frame.to_csv(root / "manifest.csv", index=False)
    for _ in range(2):  # also once the pairs are prepared
        with pytest.warns(UserWarning, match="1 of 48 pairs that were looked at cannot be right, such as .*exchanged"):
            OreDataModule(root).setup()
    with pytest.raises(InputError, match="1 of 48 pairs"):
        OreDataModule(root, strict=True).setup()


def test_a_level_of_air_that_nobody_gave_is_said(tmp_path: Path):
    root = write_manifest(write_released(tmp_path / "set"))
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    frame.loc[:1, "air"] = ""
    frame.to_csv(root / "manifest.csv", index=False)
    with pytest.warns(UserWarning, match="2 of 48 pairs have no level of air, taken as 52,350 counts; give"):
        assert (load_manifest(root)["air"] == AIR).all()
    (root / "manifest.csv").unlink()
    load_manifest(root)  # the paper's own layout knows none, and is of that sorter


def test_evaluation_says_what_of_a_dataset_is_not_as_in_training(tmp_path: Path, trained: Path, dataset: Path, command):
    assert evaluate_checkpoint(trained, dataset).warnings == []
    root = write_manifest(write_released(tmp_path / "set"))
    rng = np.random.default_rng(0)
    for name in pd.read_csv(root / "manifest.csv")["low"]:
        image = read_image(root / name)
        noisy = np.where(image > 0, np.clip(image * (1 + 0.05 * rng.standard_normal(image.shape)), 1, 60_000), 0)
        write_image(root / name, noisy.astype(np.uint16))
    found = evaluate_checkpoint(trained, root)
    assert any("grain of the particles in the low layer" in text for text in found.warnings)
    code, _, err = command(evaluate, f"ckpt={trained}", f"data.root={root}")
    assert code == 0
    assert "not as in training: grain of the particles in the low layer" in err
    code, _, err = command(evaluate, f"ckpt={trained}", "tta=true", f"data.root={root}")
    assert code == 0
    assert "grain of the particles in the low layer" in err


@pytest.mark.parametrize("manifest", [True, False])
def test_images_of_another_size_than_the_index_says_are_refused_by_every_command(
    tmp_path: Path, trained: Path, command, manifest: bool
):
    root = write_released(tmp_path / "set")
    frame = load_manifest(root)
    if manifest:
        write_manifest(root)
    for name in [*frame["low"].iloc[40:41], *frame["high"].iloc[40:41]]:
        write_image(root / name, read_image(root / name)[::2, ::2].copy())
    width, height = frame["w"].iloc[40], frame["h"].iloc[40]
    says = f"has {-(-width // 2):g} x {-(-height // 2):g} pixels, and the index says w={width:g}, h={height:g}"
    for verb, *words in (
        (train, *SMALL, f"out={tmp_path / 'run'}"),
        (classic, f"out={tmp_path / 'run'}"),
        (evaluate, f"ckpt={trained}"),
    ):
        code, _, err = command(verb, f"data.root={root}", *words)
        assert code == 1
        assert says in err
        assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match=says):
        oresort.load(trained).predict_folder(root)
    if manifest:  # what is not known is not held against them
        pd.read_csv(root / "manifest.csv", dtype=str).assign(w="", h="").to_csv(root / "manifest.csv", index=False)
        OreDataModule(root).setup()
