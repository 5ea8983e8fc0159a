"""An exported model, opened with ONNX Runtime."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from oresort.console.ranges import whole
from oresort.errors import InputError, one_line
from oresort.files.dataset import Cutting
from oresort.files.reading import read_bytes
from oresort.represent.representation import PLANES, Planes
from oresort.runtime.asking import Asked
from oresort.runtime.card import KEY, Card
from oresort.runtime.model import Counts
from oresort.runtime.parts import Parts
from oresort.runtime.sealed import scalar_in, unsealed
from oresort.sorting.lot import Lot
from oresort.sorting.point import Point
from oresort.sorting.probability import are_probabilities

BUILTIN = "builtin"
"""Name of the model in the package."""

_MOST = 2**31 - 1  # bytes of a protobuf message
_MEND = "export it again with python -m oresort.export"
_THREADS = whole(1, 256)
_ANSWERS = {"p_ore": "tensor(float)", "is_ore": "tensor(bool)"}


class OnnxModel(Asked):
    """A model that `oresort.export` wrote: planes in, probabilities out, without torch.

    Args:
        file: the file.
        threads: processor cores that a batch may use; answers are the same to the bit for any number of them.

    Raises:
        InputError: no such file, one that is damaged or of another program or format, or threads out of range.
    """

    def __init__(self, file: str | Path, threads: int = 1) -> None:
        if not _THREADS.allows(threads):
            raise InputError(f"threads={threads}: {_THREADS}")
        self.file = Path(file)
        data = read_bytes(self.file, _MOST, _MEND)
        self.digest = hashlib.sha256(data).hexdigest()
        try:
            model = unsealed(data)
            self._session = ort.InferenceSession(data, _options(), providers=["CPUExecutionProvider"])
            self.card = Card.read(self._session.get_modelmeta().custom_metadata_map.get(KEY, ""))
            self.representation = self.card.represent()
            self._check()
            # what the graph decides by when nobody moves it
            if scalar_in(model, "threshold") != self.card.threshold:
                raise ValueError("decides by another threshold than its metadata say")
        except Exception as error:  # on a stranger's graph the runtime raises nearly anything
            if isinstance(error, MemoryError):
                raise
            raise InputError(f"{self.file}: {one_line(error)[:300]}; {_MEND}") from error
        self._parts = Parts(threads)

    @property
    def threshold(self) -> float:
        """The decision threshold chosen on validation data."""
        return self.card.threshold

    @property
    def point(self) -> Point:
        """That threshold, the rule that chose it, and what it promises."""
        return self.card.point or Point(self.threshold, "saved")

    @property
    def known(self) -> Lot | None:
        """Validation pairs as it answered them; None if it knows of none."""
        return self.card.known

    @property
    def cut(self) -> Cutting | None:
        """How the pairs it was trained on were cut; None if that is not known."""
        return self.card.cut

    @property
    def seen(self) -> Mapping[str, Any]:
        """What its training pairs and their scans looked like; {} if unknown."""
        return self.card.seen

    def describe(self) -> dict[str, Any]:
        """Return what a record says of it, in plain values."""
        return {"file": str(self.file), "sha256": self.digest, **self.card.provenance}

    def answer(self, planes: Planes) -> NDArray[np.float32]:
        """Return the probability of ore (B,) of planes (B, 4, S, S) float32."""
        return self._parts(len(planes), lambda part: planes[part], self._answer)

    def _answer(self, planes: Planes) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._session.run(["p_ore"], {"planes": planes})[0]
        return found

    def decide(self, planes: Planes, threshold: float | None = None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return probabilities and the graph's own decisions (B,) of planes (B, 4, S, S); None: its own threshold."""
        moved = {} if threshold is None else {"threshold": np.array(threshold, np.float32)}
        p_ore, called = self._session.run(list(_ANSWERS), {"planes": planes, **moved})
        return p_ore, called

    def __call__(
        self, lows: Sequence[Counts], highs: Sequence[Counts], air: float, background: str
    ) -> NDArray[np.float32]:
        """Return the probability of ore (B,) of one batch of particles, at least one, as `predict`."""
        cover = self.representation.mask
        return self._parts(
            len(lows),
            lambda part: self.representation.batch(lows[part], highs[part], air, background, cover),
            self._answer,
        )

    def _check(self) -> None:
        """Raise ValueError unless the graph takes what its card says, and answers with a probability."""
        size = self.representation.size
        needed = [(entry.name, entry.type, list(entry.shape)[1:]) for entry in self._session.get_inputs()]
        if needed != [("planes", "tensor(float)", [PLANES, size, size])]:
            raise ValueError(f"takes {needed}, not planes (B, {PLANES}, {size}, {size})")
        movable = {entry.name: (entry.type, entry.shape) for entry in self._session.get_overridable_initializers()}
        if movable != {"threshold": ("tensor(float)", [])}:
            raise ValueError(f"has {movable} for a threshold that can be moved")
        answers = {entry.name: entry.type for entry in self._session.get_outputs()}
        if answers != _ANSWERS:
            raise ValueError(f"answers {answers}, not {_ANSWERS}")
        blank = np.zeros((1, PLANES, size, size), np.float32)
        p_ore, called = self.decide(blank)
        if p_ore.shape != (1,) or not are_probabilities(p_ore) or called.shape != (1,):
            raise ValueError("answers with no probability")
        if not self.representation.mask:  # then the planes of the cover are not made
            planes = np.random.default_rng(0).random((2, 1, PLANES, size, size), np.float32)
            planes[1, :, :2] = planes[0, :, :2]
            if self._answer(planes[0]) != self._answer(planes[1]):
                raise ValueError("depends on the particle's cover, which its representation does not show it")


def open_model(name: str | Path, threads: int = 1) -> OnnxModel:
    """Open an exported model: a file, or `builtin`, the one in the package.

    Raises:
        InputError: as `OnnxModel`, or this package has none.
    """
    if str(name) != BUILTIN:
        return OnnxModel(name, threads)
    file = Path(str(files("oresort.runtime") / "builtin.onnx"))
    if not file.is_file():
        raise InputError(f"{BUILTIN}: this package holds no model; give an exported one, or a checkpoint")
    return OnnxModel(file, threads)


def _options() -> ort.SessionOptions:
    """Return settings for small networks on few cores, measured in `benchmarks/runtime.py`."""
    ort.disable_telemetry_events()  # nothing is sent anywhere, whatever a build's default is
    options = ort.SessionOptions()
    # set, since the default asks for every core of the machine: in a container that has few of them, it fails; and one,
    # since threads that answer parts of a batch side by side scale better than threads within each operator
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1  # the graph is a chain: nothing in it runs side by side
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL  # layouts: nearly twice as fast
    options.log_severity_level = 4  # what fails is raised, and said once
    return options
