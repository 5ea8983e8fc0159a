"""A training that dies in the middle, as by a kill, in this process."""

from pathlib import Path

import pytest
import torch

from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.module import OreModule


class Killed(BaseException):
    """Stands for a kill: nothing of ours may catch it."""


def killed_in(epoch: int, cfg: TrainConfig, folder: Path) -> None:
    """Train until the first step of an epoch, and die there."""
    step = OreModule.training_step

    def dies(self: OreModule, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.current_epoch == epoch:
            raise Killed
        return step(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OreModule, "training_step", dies)
        with pytest.raises(Killed):
            train(cfg, folder)
