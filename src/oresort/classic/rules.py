"""Rules on pixel values, as sorters have them built in. Each is one class here and one file in conf/method/."""

from abc import abstractmethod
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from oresort.classic.base import Classic, Pixels, Vector, fit_curve
from oresort.errors import InputError


class _Score(Classic):
    """One number a particle; a logistic curve, which keeps the order, makes it a probability."""

    def _fit_scale(self, score: Vector, label: NDArray[np.int64]) -> None:
        self.mean, self.std = float(score.mean()), float(score.std()) or 1.0
        logistic = LogisticRegression().fit(((score - self.mean) / self.std)[:, None], label)
        self.slope, self.offset = float(logistic.coef_[0, 0]), float(logistic.intercept_[0])

    @abstractmethod
    def score(self, pairs: Iterable[Pixels]) -> Vector:
        """Return the number of every particle, (N,)."""

    def p_ore(self, pairs: Iterable[Pixels]) -> Vector:
        """Return the probability of ore of every pair, (N,)."""
        z = self.slope * (self.score(pairs) - self.mean) / self.std + self.offset
        return np.asarray(1 / (1 + np.exp(-z)))


class RValue(_Score):
    """The R-value rule: the mean of l over the mean of h; ore beyond a threshold.

    `corrected` divides by the same ratio of ordinary rock of equal thickness, the curve of the training pairs, since R
    falls as rock gets thicker.
    """

    def __init__(self, corrected: bool = False) -> None:
        self.corrected = corrected
        self.numbers = 3 if corrected else 1  # the threshold, and the curve's two

    def fit(self, pairs: Iterable[Pixels], label: NDArray[np.int64], seed: int) -> None:
        """Fit the curve, if there is one, and the scale of probabilities."""
        if self.corrected:
            self.curve = fit_curve(pairs)
        self._fit_scale(self.score(pairs), label)

    def score(self, pairs: Iterable[Pixels]) -> Vector:
        """Return R of every particle, (N,)."""

        def ratio(pair: Pixels) -> float:
            h = pair.high[pair.mask]
            return float(pair.low[pair.mask].sum() / max((self.curve(h) if self.corrected else h).sum(), 1e-6))

        return np.array([ratio(pair) for pair in pairs])


class TwoThresholds(_Score):
    """The two-threshold rule: ore if the share of pixels with a value beyond A is beyond B.

    The value is "residual", l - f(h); "ratio", l / h; or "low", l. A is the one of `levels` quantiles of the training
    pixels whose share parts the classes best (area under the ROC curve, in either direction); B is the decision
    threshold, chosen on validation data.

    Raises:
        InputError: another `value`, or fewer than 2 levels.
    """

    VALUES = ("residual", "ratio", "low")
    SAMPLED = 200  # pixels of each particle that the quantiles are taken of

    def __init__(self, value: str = "residual", levels: int = 40) -> None:
        if value not in self.VALUES:
            raise InputError(f"value={value!r}: known are {', '.join(self.VALUES)}")
        if levels < 2:
            raise InputError(f"levels={levels}: give at least 2")
        self.value, self.levels = value, levels
        self.numbers = 4 if value == "residual" else 2  # both thresholds, and the curve's two

    def _values(self, pair: Pixels) -> NDArray[np.float32]:
        low, high = pair.low[pair.mask], pair.high[pair.mask]
        if self.value == "residual":
            return np.asarray(low - self.curve(high), np.float32)
        if self.value == "ratio":
            return np.asarray(low / np.maximum(high, 0.05), np.float32)  # below 0.05 a ratio is noise
        return low

    def fit(self, pairs: Iterable[Pixels], label: NDArray[np.int64], seed: int) -> None:
        """Fit the curve, choose A, and fit the scale of probabilities."""
        if self.value == "residual":
            self.curve = fit_curve(pairs)
        rng = np.random.default_rng(seed)
        sampled = np.concatenate([rng.choice(self._values(pair), self.SAMPLED) for pair in pairs])
        candidates = np.unique(np.quantile(sampled, np.linspace(0.02, 0.995, self.levels)))
        shares = np.stack([(np.sort(v)[:, None] > candidates).mean(0) for v in map(self._values, pairs)])  # (N, levels)
        best = int(np.argmax([abs(roc_auc_score(label, column) - 0.5) for column in shares.T]))
        self.a = float(candidates[best])
        self._fit_scale(shares[:, best], label)

    def score(self, pairs: Iterable[Pixels]) -> Vector:
        """Return the share of pixels beyond A of every particle, (N,)."""
        return np.array([float((self._values(pair) > self.a).mean()) for pair in pairs])
