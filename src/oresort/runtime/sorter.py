"""Lines in, decisions out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.runtime.decider import Decider
from oresort.runtime.model import Model
from oresort.runtime.onnx import open_model
from oresort.scan.calibrate.calibration import Calibration, load_calibration
from oresort.scan.cut.cutter import Cutter
from oresort.scan.cut.held import Held
from oresort.scan.fault import Fault
from oresort.sorting.decision import Decision
from oresort.sorting.policy import Policy
from oresort.sorting.probability import check_threshold


class Sorter:
    """Decides on every particle of an endless belt; memory does not grow with what has gone by.

    Args:
        model: an exported model, its file or `builtin`; or any open `Model`, such as `oresort.load` gives.
        calibration: of the sorter, or its file.
        policy: what is done with particles that cannot be judged as others are; None: as usual, by the model's band.
        threshold: particles from this probability of ore on are kept; None: the one saved with the model.
        cut: how particles are cut, for a model that does not know it; None: as its training pairs were.

    Raises:
        InputError: a file that cannot be used, a threshold that is no probability, a model that does not know how its
            pairs were cut, or what `Cutter` refuses.
    """

    def __init__(
        self,
        model: str | Path | Model,
        calibration: str | Path | Calibration,
        policy: Policy | None = None,
        threshold: float | None = None,
        cut: Cutting | None = None,
    ) -> None:
        model = open_model(model) if isinstance(model, str | Path) else model
        self.model, self.policy = model, policy or Policy(band=model.point.band)
        self.threshold = check_threshold(model.threshold if threshold is None else threshold)
        if not isinstance(calibration, Calibration):
            calibration = load_calibration(Path(calibration))
        if cut is None and (cut := model.cut) is None:
            raise InputError(f"{model.file}: does not know how its training pairs were cut; give cut=Cutting(...)")
        self.calibration, self.cut = calibration, cut
        self._cutter = Cutter(calibration, cut)
        self.decider = Decider(model, calibration, self.policy, self.threshold, cut)

    @property
    def lookahead(self) -> int:
        """Lines after a particle's last one, or its clump's, within which it is decided on."""
        return self._cutter.lookahead

    @property
    def lines(self) -> int:
        """Lines pushed so far."""
        return self._cutter.lines

    @property
    def lines_lost(self) -> int:
        """Lines that show nothing true, in either layer, of those judged so far."""
        return self._cutter.lines_lost

    @property
    def settled(self) -> int:
        """Line before which no particle begins that is still to come."""
        return self._cutter.settled

    @property
    def noted(self) -> int:
        """How often something was found faulty so far: `faults` are other ones only when this has grown."""
        return self._cutter.noted

    @property
    def faults(self) -> list[Fault]:
        """What was found faulty so far, by place."""
        return self._cutter.faults

    def swing(self) -> list[tuple[float, float]]:
        """Return of each layer how far air fell and rose since this was asked last, see `Cutter.swing`."""
        return self._cutter.swing()

    def push(self, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> list[Decision]:
        """Take both layers' next raw counts (n, W) and return what was decided, by the particles' ends.

        Decisions are the same to the bit, and in the same order, however many lines come at a time.

        Raises:
            InputError: as `Cutter.push`, and then no line was taken; or a model that answers with no probability.
        """
        groups = list(self.find(low, high))  # all lines are taken, also where the model then fails
        return [decision for group in groups for decision in self.decider(group)]

    def finish(self) -> list[Decision]:
        """Return the decisions on the last lines; particles that reach the end are flagged `clipped`."""
        return self.decider(self.find_last())

    def find(self, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> Iterator[list[Held]]:
        """Do one half of `push`: find regions of the belt, in groups for `decider`, in this order.

        So a program finds in one process and decides in another, as `Cutter.find` yields them. A kernel's last bit
        depends on the size of the batch, which is the group's, and thus the lines' own however many come at a time.

        Raises:
            InputError: as `Cutter.push`, and then no line was taken.
        """
        return self._cutter.find(low, high)

    def find_last(self) -> list[Held]:
        """Find the regions on the last lines."""
        return self._cutter.find_last()
