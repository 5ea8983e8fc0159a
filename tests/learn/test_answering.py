"""A trained module in Python: what Lightning's Trainer says of it is what `evaluate` says, or it is refused."""

import logging
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from exported import settled

from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.evaluation import evaluate_checkpoint
from oresort.learn.module import OreModule
from oresort.learn.pretrain import Pretraining
from oresort.paths import part

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec", "ignore:The '.*_dataloader' does not have many workers")


@pytest.fixture
def trainer() -> L.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    return L.Trainer(accelerator="cpu", logger=False, max_epochs=1, **quiet)  # type: ignore[arg-type]


def loaded(run: Path) -> tuple[OreModule, OreDataModule]:
    """As Lightning loads them."""
    file = run / "checkpoints" / "best.ckpt"
    return OreModule.load_from_checkpoint(file), OreDataModule.load_from_checkpoint(file)


@pytest.mark.parametrize("side", ["val", "test"])
def test_a_trainer_tells_the_figures_of_evaluate(trained: Path, dataset: Path, trainer: L.Trainer, side: str):
    module, data = loaded(trained)
    point = float(module.threshold), float(module.temperature)
    ask = trainer.validate if side == "val" else trainer.test
    (found,) = ask(module, data, verbose=False)
    known = evaluate_checkpoint(trained, dataset, side, data=data).metrics
    assert found == {f"{side}/{name}": value for name, value in known.items()}
    assert (float(module.threshold), float(module.temperature)) == point
    (bare,) = ask(module, data.loader(side), verbose=False)
    assert bare == found


def test_a_trainer_predicts_what_the_run_predicted(trained: Path, trainer: L.Trainer):
    module, data = loaded(trained)
    batches: Any = trainer.predict(module, data)
    index, p_ore = (torch.cat([batch[key] for batch in batches]).numpy() for key in ("index", "p_ore"))
    known = pd.read_csv(trained / "predictions.csv", dtype={"id": str}).set_index("id")
    known = known[known["split"] == "test"]
    ids = data.frame["id"].to_numpy()[index]
    assert set(ids) == set(known.index)
    np.testing.assert_allclose(p_ore, known.loc[ids, "p_ore"], atol=1e-6)


def test_data_that_are_prepared_otherwise_are_refused(trained: Path, dataset: Path, trainer: L.Trainer):
    module, own = loaded(trained)
    masked = {**module.hparams["representation"], "mask": True}
    for spec in (None, masked, {**masked, "_target_": "oresort.represent.representation.Standardized", "mask": False}):
        other = OreDataModule(dataset, representation=spec)
        for ask in (trainer.test, trainer.validate, trainer.predict, trainer.fit):
            with pytest.raises(InputError, match=r"representation: the data's is .* was trained on"):
                ask(module, other)
    loader = OreDataModule(dataset).test_dataloader()
    for ask in (trainer.test, trainer.validate, trainer.predict):
        with pytest.raises(InputError, match=r"representation: the data's is"):
            ask(module, dataloaders=loader)
    trainer.test(module, own, verbose=False)


def test_a_loaded_module_answers_and_takes_no_counts(trained: Path, trainer: L.Trainer):
    module, data = loaded(trained)
    assert not any(part.training for part in module.modules())
    assert module.seen == load_trained(trained).seen
    batch = next(iter(data.test_dataloader()))
    logits = module(batch["low"], batch["high"])
    counts = torch.full_like(batch["low"], 20_000.0)
    trainer.test(module, data, verbose=False)  # a trainer that has finished vouches for nothing
    for bad, says in (
        (counts, "values to 20000"),
        (batch["low"] * torch.nan, "values to nan"),
        (batch["low"][..., :8], "of shape"),
        (batch["low"][0], "of shape"),
        (batch["low"].repeat(1, 2, 1, 1), "of shape"),
    ):
        with pytest.raises(InputError, match=f"images: {says}"):
            module(bad, batch["high"])
    torch.testing.assert_close(module(batch["low"], batch["high"]), logits)


def test_what_standardised_images_may_be():
    module = settled(kind="standardized").module
    image = torch.zeros(1, 1, 12, 12)
    image[0, 0, 0, 0] = 1.0
    standardised = (image - image.mean()) / image.std(correction=0)  # the farthest that one pixel can be
    module(standardised, standardised)
    with pytest.raises(InputError, match="values to 20000"):
        module(standardised, image * 20_000)


def test_a_loaded_module_that_is_trained_on_is_in_training(trained: Path, trainer: L.Trainer):
    module, data = loaded(trained)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    trainer.fit(module, data)
    moved = [name for name, value in module.state_dict().items() if not torch.equal(value, before[name])]
    assert any(name.endswith("running_mean") for name in moved)


def test_what_has_seen_no_label_tests_nothing(dataset: Path, trainer: L.Trainer):
    model = {"tower": part("model/tower", "compact"), "fusion": part("model/fusion", "stack"),
             "head": part("model/head", "linear"), "channels": 1}  # fmt: skip
    data = OreDataModule(dataset)
    spec = data.hparams["representation"]
    module = Pretraining(part("pretext", "masked_blocks"), 40, model=model, representation=spec)
    for ask in (trainer.test, trainer.predict):
        with pytest.raises(InputError, match="has seen no label"):
            ask(module, data)
