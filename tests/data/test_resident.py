"""Pairs on the device: the same pairs, the same changes with the same chances; and fewer pairs on request."""

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pairs import write_manifest, write_released

from oresort.data.augment import Augmentation, relight, turned, turned_at_once
from oresort.data.datamodule import OreDataModule
from oresort.data.index import limit_pairs
from oresort.data.loaders import ResidentLoader
from oresort.errors import InputError
from oresort.files.dataset import RELEASED, SIMULATED, write_dataset
from oresort.represent.representation import Attenuation, Representation, Standardized

ATTENUATION = {"_target_": "oresort.represent.representation.Attenuation", "geometry": "resize", "size": 16}
AUGMENT = {"_target_": "oresort.data.augment.Augmentation", "flip": 0.5, "transpose": 0.5}


def loader(count: int = 50, **keys: Any) -> ResidentLoader:
    index = torch.arange(count)
    return ResidentLoader(
        torch.rand(count, 4, 8, 8), index % 2, index, representation=Attenuation(size=8),
        **{"batch_size": 8, "augmentation": Augmentation(flip=0.5), **keys},
    )  # fmt: skip


def test_an_epoch_shows_each_pair_at_most_once_and_repeats_by_its_seed():
    seen = torch.cat([batch["index"] for batch in loader()])
    assert len(seen) == len(seen.unique()) == 48  # the last two make no whole batch
    own = loader(seed=5)
    first, again = (torch.cat([b["low"] for b in own]) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(seen, torch.cat([batch["index"] for batch in loader(seed=6)]))


def test_processes_share_out_the_pairs():
    parts = [torch.cat([b["index"] for b in loader(rank=rank, world=2, batch_size=5)]) for rank in (0, 1)]
    assert torch.cat(parts).sort().values.tolist() == list(range(50))
    whole = [torch.cat([b["index"] for b in loader(51, rank=r, world=2, augmentation=None)]) for r in (0, 1)]
    assert sorted(torch.cat(whole).tolist()) == list(range(51))


def test_fewer_pairs_than_a_batch_are_one_batch():
    assert [len(batch["index"]) for batch in loader(5)] == [5]


def test_validation_is_the_same_from_host_and_device(dataset: Path):
    modules = [OreDataModule(str(dataset), ATTENUATION, AUGMENT, resident=resident) for resident in (False, True)]
    sides = []
    for module in modules:
        batches = list(module.val_dataloader())
        index = torch.cat([batch["index"] for batch in batches])
        sides.append(
            {k: torch.cat([b[k] for b in batches])[index.argsort()] for k in ("index", "label", "low", "high")}
        )
    for key, value in sides[0].items():
        assert torch.equal(value, sides[1][key]), key


def test_every_turn_is_equally_likely():
    marked = torch.zeros(4000, 4, 4, 4)
    marked[:, :, 0, 1] = 1.0
    augmentation = Augmentation(flip=0.5, transpose=0.5)
    moved = augmentation.on_device(marked, Attenuation(size=4), torch.Generator().manual_seed(0))
    assert torch.equal(moved[:, 0], moved[:, 3])  # one draw moves all planes
    places = Counter(map(tuple, moved[:, 0].nonzero()[:, 1:].tolist()))
    assert set(places) == {(0, 1), (1, 0), (0, 2), (2, 0), (3, 1), (1, 3), (3, 2), (2, 3)}
    assert min(places.values()) > 0.8 * 500


def test_intensity_changes_as_on_the_host():
    rng = np.random.default_rng(0)
    cover = np.ones((3000, 2, 2, 2), np.float32)
    values = rng.uniform(0.5, 1.5, cover.shape).astype(np.float32)
    planes = torch.from_numpy(np.concatenate([values, cover], axis=1))
    augmentation = Augmentation(intensity=0.5, gain=(0.9, 1.1), balance=(0.98, 1.02))
    host = augmentation(planes, Attenuation(size=2), rng)
    device = augmentation.on_device(planes, Attenuation(size=2), torch.Generator().manual_seed(0))
    for moved in (host, device):
        change = (moved - planes)[:, :2, 0, 0]
        untouched = (change == 0).all(dim=1)
        assert untouched.float().mean() == pytest.approx(0.5, abs=0.04)
        # -ln(gain * balance): common to both layers but for the balance
        assert change[~untouched].std(dim=0).tolist() == pytest.approx([0.059, 0.059], abs=0.004)
        apart = change[~untouched, 0] - change[~untouched, 1]
        assert apart.std() == pytest.approx(0.0163, abs=0.001)
    silhouettes = Augmentation(intensity=1.0, saturate=True)
    flat = silhouettes.on_device(planes, Attenuation(size=2), torch.Generator())
    assert (flat[:, :2] == Attenuation.ceiling).all()


def manifest(scans: int = 60, size: int = 10) -> pd.DataFrame:
    """Scans of one class each; a third is waste, and of every twelve three are in val and three in test."""
    scan = np.repeat(np.arange(scans), size)
    side = np.array(["train", "train", "val", "test"])[scan // 3 % 4]
    return pd.DataFrame({"scan": scan.astype(str), "label": (scan % 3 > 0).astype(int), "split": side})


@given(st.integers(60, 700), st.integers(0, 9))
def test_fewer_pairs_keep_whole_scans_and_all_shares(limit: int, seed: int):
    frame = manifest()
    kept = limit_pairs(frame, limit, seed)
    assert len(kept) <= limit or limit < 120  # of a small share each group keeps one scan
    sizes = kept.groupby("scan").size()
    assert (sizes == 10).all()
    assert kept.groupby(["split", "label"]).ngroups == 6
    if limit >= 600:
        assert len(kept) == 600
    else:
        shares = kept.groupby(["split", "label"]).size() / frame.groupby(["split", "label"]).size()
        assert ((shares - limit / 600).abs() <= 10 / 50 + 1e-9).all() or limit < 120


def test_limits_are_checked_and_reach_the_loaders(dataset: Path):
    with pytest.raises(InputError, match=r"data\.limit=0"):
        limit_pairs(manifest(), 0, 0)
    whole, part = (OreDataModule(str(dataset), ATTENUATION, AUGMENT, limit=limit) for limit in (None, 36))
    assert len(part.frame) < len(whole.frame)
    assert whole.fingerprint() != part.fingerprint()
    assert whole.fingerprint() == OreDataModule(str(dataset), ATTENUATION, AUGMENT, seed=9).fingerprint()


def test_a_root_alone_is_enough(dataset: Path, tmp_path: Path):
    data = OreDataModule(dataset, cache=str(tmp_path))
    assert isinstance(data.representation, Attenuation)
    again = OreDataModule(**data.hparams)  # as a checkpoint builds it
    assert dict(again.hparams) == dict(data.hparams)
    (batch, *_), (same, *_) = data.predict_dataloader(), again.test_dataloader()
    assert torch.equal(batch["low"], same["low"])
    assert batch["low"].shape[1:] == (1, 40, 40)


def test_pairs_cut_in_another_way_are_other_pairs(tmp_path: Path):
    root = write_manifest(write_released(tmp_path / "set"))
    hashes = [OreDataModule(root).fingerprint()]
    for cut in (SIMULATED, RELEASED, SIMULATED):
        write_dataset(root, "a test", cut)
        hashes.append(OreDataModule(root).fingerprint())
    assert len(set(hashes[:3])) == 3
    assert hashes[1] == hashes[3]


@pytest.mark.parametrize("turned", [turned, turned_at_once])
def test_each_pair_is_turned_as_is_said_of_it(turned: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]):
    planes = torch.rand((16, 4, 5, 5), generator=torch.Generator().manual_seed(0))
    how = torch.tensor(list(itertools.product((False, True), repeat=3)) * 2)  # (16, 3)
    for plane, (x, y, swapped), found in zip(planes.numpy(), how.tolist(), turned(planes, how).numpy(), strict=True):
        wanted = plane[:, :: -1 if y else 1, :: -1 if x else 1]
        np.testing.assert_array_equal(found, wanted.swapaxes(1, 2) if swapped else wanted)


@pytest.mark.parametrize("kind", [Attenuation(size=4), Standardized(size=4)])
def test_no_offset_is_an_offset_of_nothing(kind: Representation):
    generator = torch.Generator().manual_seed(0)
    planes = torch.rand((3, 4, 4, 4), generator=generator)
    gain = 0.9 + 0.2 * torch.rand((3, 2, 1, 1), generator=generator)
    torch.testing.assert_close(relight(planes, gain, None, kind), relight(planes, gain, 0 * gain, kind))
