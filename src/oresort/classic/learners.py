"""Learners on hand-made features. Each is one class here and one file in conf/method/."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from oresort.classic.base import Classic, Curve, Importance, Pixels, Vector, fit_curve
from oresort.classic.features import features
from oresort.errors import InputError
from oresort.models.checks import positive

_SHUFFLES = 5  # of each feature's values
_MOST = 100_000  # pairs whose features are kept, some 80 MB
_KNOWN: dict[bytes, tuple[tuple[str, ...], Vector]] = {}
_NAMES: dict[tuple[str, ...], tuple[str, ...]] = {}


class _Learner(Classic):
    """A classifier of scikit-learn on the features; the curve l = f(h) comes from the training pairs."""

    @abstractmethod
    def _classifier(self, seed: int) -> Any: ...

    def _table(self, pairs: Iterable[Pixels]) -> Vector:
        return self._named(pairs)[1]

    def _named(self, pairs: Iterable[Pixels]) -> tuple[list[str], Vector]:
        rows = [_features(pair, self.curve) for pair in pairs]
        return list(rows[0][0]), np.array([values for _, values in rows])  # (N, features)

    def fit(self, pairs: Iterable[Pixels], label: NDArray[np.int64], seed: int) -> None:
        """Fit the curve and the classifier."""
        self.curve = fit_curve(pairs)
        self.classifier = self._classifier(seed).fit(self._table(pairs), label)

    def importances(self, pairs: Iterable[Pixels], label: NDArray[np.int64], seed: int) -> dict[str, Importance]:
        """Return the importance of every feature by permutation (Breiman, 2001); {} where the pairs are of one class.

        Features that tell the same stand in for each other: each of them alone may seem to matter little.
        """
        if len(np.unique(label)) < 2:
            return {}
        names, table = self._named(pairs)
        found = permutation_importance(
            self.classifier, table, label, scoring="roc_auc", n_repeats=_SHUFFLES, random_state=seed
        )
        values = zip(found.importances_mean.tolist(), found.importances_std.tolist(), strict=True)
        return {name: Importance(*value) for name, value in zip(names, values, strict=True)}

    def p_ore(self, pairs: Iterable[Pixels]) -> Vector:
        """Return the probability of ore of every pair, (N,)."""
        return np.asarray(self.classifier.predict_proba(self._table(pairs))[:, 1])


def _features(pair: Pixels, curve: Curve) -> tuple[tuple[str, ...], Vector]:
    """Return names and values of `features`; those of the same pixels and curve are made once a process.

    A sweep over methods and seeds asks for them often, and to make them costs ten times as much as to read a pair.
    """
    content = b"".join((pair.low.tobytes(), pair.high.tobytes(), pair.mask.tobytes()))
    key = hashlib.blake2b(content + repr((pair.low.shape, curve)).encode(), digest_size=16).digest()
    if key not in _KNOWN:
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        found = features(pair, curve)
        names = _NAMES.setdefault((*found,), (*found,))  # one tuple for all
        _KNOWN[key] = names, np.array([*found.values()])
    return _KNOWN[key]


class GradientBoosting(_Learner):
    """Gradient-boosted trees: `rounds` at learning rate `rate`, up to `leaves` leaves of at least `least` pairs.

    Raises:
        InputError: `rounds` or `least` below 1, `rate` not above 0, or `leaves` below 2.
    """

    def __init__(self, rounds: int = 200, rate: float = 0.05, leaves: int = 15, least: int = 5) -> None:
        if not rate > 0 or leaves < 2:
            raise InputError(f"rate={rate}, leaves={leaves}: need a rate above 0 and at least 2 leaves")
        self.rounds, self.rate, self.leaves = positive("rounds", rounds), rate, leaves
        self.least = positive("least", least)

    def _classifier(self, seed: int) -> Any:
        return HistGradientBoostingClassifier(
            max_iter=self.rounds, learning_rate=self.rate, max_leaf_nodes=self.leaves, min_samples_leaf=self.least,
            random_state=seed,
        )  # fmt: skip


class SVM(_Learner):
    """A support vector machine with Gaussian kernel on standardised features; probabilities after Platt.

    Raises:
        InputError: `c`, the inverse strength of the regularisation, not above 0; in `fit`, too few pairs of a class.
    """

    FOLDS = 5  # of the training pairs, for the scale of probabilities

    def __init__(self, c: float = 1.0) -> None:
        if not c > 0:
            raise InputError(f"c={c}: give a number above 0")
        self.c = c

    def fit(self, pairs: Iterable[Pixels], label: NDArray[np.int64], seed: int) -> None:
        """Fit the curve, the machine and the scale of its probabilities."""
        if (least := int(np.bincount(label, minlength=2).min())) < self.FOLDS:
            needs = f"the SVM needs {self.FOLDS} of each, other methods fewer"
            raise InputError(f"training pairs: {least} of one class; {needs}")
        super().fit(pairs, label, seed)

    def _classifier(self, seed: int) -> Any:
        machine = make_pipeline(StandardScaler(), SVC(C=self.c, random_state=seed))
        return CalibratedClassifierCV(machine, cv=self.FOLDS, ensemble=False)
