"""The half of a sorter that sees one region of the belt at a time: found in, decided out."""

import math
from collections.abc import Sequence

import numpy as np

from oresort.files.dataset import Cutting
from oresort.runtime.model import BATCH, Model
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.crop import Cropper, Cut
from oresort.scan.cut.held import Held
from oresort.sorting.decision import Decision
from oresort.sorting.drift import PairFigures, pair_figures
from oresort.sorting.policy import Policy

_NOTHING = PairFigures(*[math.nan] * len(PairFigures._fields))


class Decider:
    """Parts and cuts what was found and decides on it; what it decides depends on nothing else."""

    def __init__(
        self, model: Model, calibration: Calibration, policy: Policy, threshold: float, options: Cutting
    ) -> None:
        self._model, self._policy, self._threshold = model, policy, threshold
        self.crop = Cropper(calibration, options)
        self._air, self._background = calibration.low.level, options.background

    def __call__(self, found: Sequence[Held]) -> list[Decision]:
        """Decide on the particles of regions that ended together; InputError as `decide`."""
        return self.decide([cut for held in found for cut in self.crop(held)])

    def decide(self, cuts: Sequence[Cut]) -> list[Decision]:
        """Decide on particles that ended together; InputError for a model that answers with no probability."""
        decisions: list[Decision] = []
        for start in range(0, len(cuts), BATCH):
            some = cuts[start : start + BATCH]
            lows, highs = [cut.low for cut in some], [cut.high for cut in some]
            p_ore = self._model(lows, highs, self._air, self._background)  # (B,)
            words, reasons = self._policy(p_ore, self._threshold, [cut.particle for cut in some])
            for cut, p, word, reason in zip(some, p_ore, words, reasons, strict=True):
                figures = pair_figures(cut.low, cut.high, self._air, self._background)
                decisions.append(_decision(cut, figures, p, word, reason))
        return decisions

    def pass_over(self, cuts: Sequence[Cut], word: str) -> list[Decision]:
        """Decide without the model on particles for which there is no time: `word` is `keep` or `drop`.

        Their probability is NaN.
        """
        decision = "ore" if word == "keep" else "waste"
        return [_decision(cut, _NOTHING, np.float32(math.nan), decision, "policy:late") for cut in cuts]


def _decision(cut: Cut, figures: PairFigures, p_ore: np.float32, word: str, reason: str) -> Decision:
    area = int(np.count_nonzero(cut.particle.mask))
    return Decision(cut.particle, area, cut.mass_proxy, cut.low_mean, cut.high_mean, figures, p_ore, word, reason)
