"""Learners on hand-made features. Each is one class here and one file in conf/method/."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from oresort.classic.base import Classic, Pixels, Vector, fit_curve
from oresort.classic.features import features, table
from oresort.errors import InputError
from oresort.models.checks import positive


class _Learner(Classic):
    """A classifier of scikit-learn on the features; the curve l = f(h) comes from the training pairs."""

    @abstractmethod
    def _classifier(self, seed: int) -> Any: ...

    def fit(self, pairs: Iterable[Pixels], label: NDArray[np.int64], seed: int) -> None:
        """Fit the curve and the classifier."""
        self.curve = fit_curve(pairs)
        rows = [features(pair, self.curve) for pair in pairs]
        self.names = list(rows[0])
        self.classifier = self._classifier(seed).fit(table(self.names, rows), label)

    def p_ore(self, pairs: Iterable[Pixels]) -> Vector:
        """Return the probability of ore of every pair, (N,)."""
        rows = [features(pair, self.curve) for pair in pairs]
        return np.asarray(self.classifier.predict_proba(table(self.names, rows))[:, 1])


class GradientBoosting(_Learner):
    """Gradient-boosted trees.

    Args:
        rounds: trees, at least 1.
        rate: learning rate, above 0.
        leaves: of a tree, at least 2.
        least: training pairs of a leaf, at least 1.

    Raises:
        InputError: a setting out of its range.
    """

    def __init__(self, rounds: int = 200, rate: float = 0.05, leaves: int = 15, least: int = 5) -> None:
        if not rate > 0 or leaves < 2:
            raise InputError(f"rate={rate}, leaves={leaves}: need a rate above 0 and at least 2 leaves")
        self.rounds, self.rate, self.leaves = positive("rounds", rounds), rate, leaves
        self.least = positive("least", least)

    def _classifier(self, seed: int) -> Any:
        return HistGradientBoostingClassifier(
            max_iter=self.rounds,
            learning_rate=self.rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.least,
            random_state=seed,
        )


class SVM(_Learner):
    """A support vector machine with Gaussian kernel on standardised features; probabilities after Platt.

    Args:
        c: inverse strength of the regularisation, above 0.

    Raises:
        InputError: `c` not above 0; in `fit`, fewer than `FOLDS` training pairs of a class.
    """

    FOLDS = 5  # of the training pairs, for the scale of probabilities

    def __init__(self, c: float = 1.0) -> None:
        if not c > 0:
            raise InputError(f"c={c}: give a number above 0")
        self.c = c

    def fit(self, pairs: Iterable[Pixels], label: NDArray[np.int64], seed: int) -> None:
        """Fit the curve, the machine and the scale of its probabilities."""
        if (least := int(np.bincount(label, minlength=2).min())) < self.FOLDS:
            raise InputError(
                f"training pairs: {least} of one class; the SVM needs {self.FOLDS} of each, other methods fewer"
            )
        super().fit(pairs, label, seed)

    def _classifier(self, seed: int) -> Any:
        machine = make_pipeline(StandardScaler(), SVC(C=self.c, random_state=seed))
        return CalibratedClassifierCV(machine, cv=self.FOLDS, ensemble=False)
