"""A trained model as one ONNX file, checked against the checkpoint before it is kept."""

import logging
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from oresort.console.extras import needing
from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.learn.quantise import Gate, Labelled, judged, quantised
from oresort.learn.trained import Trained
from oresort.learn.winograd import lean, multiplies_less
from oresort.models.heads.head import p_ore
from oresort.models.inputs import Inputs
from oresort.models.pairnet import PairNet
from oresort.represent.representation import PLANES, Planes
from oresort.runtime.card import KEY, Card
from oresort.runtime.model import BATCH
from oresort.runtime.onnx import OnnxModel
from oresort.runtime.sealed import seal
from oresort.sorting.decide import is_ore
from oresort.xray.transmission import NOMINAL_AIR

TOLERANCE = 1e-4  # largest difference of a probability that is let pass: float32, in another order
_SMALL = (1, 2, 7)  # batches that are tried beside whole ones, on the first pairs


class Exported(NamedTuple):
    """What was written, and how far it is from the checkpoint."""

    model: OnnxModel
    pairs: int  # that were compared
    difference: float  # largest, of a probability; before convolutions were made of 8 bits
    gate: Gate | None  # what that costs and brings; None: they were not
    refused: str  # why convolutions that multiply less were given up for plain ones, or nothing


class _Graph(nn.Module):
    """All that is behind the planes."""

    def __init__(self, trained: Trained, net: PairNet) -> None:
        super().__init__()
        self.inputs, self.net = Inputs(trained.representation), net
        self.temperature = trained.temperature

    def forward(self, planes: Tensor, threshold: Tensor) -> tuple[Tensor, Tensor]:
        """Map planes (B, 4, S, S) and a scalar to probabilities of ore (B,) float32 and decisions (B,) bool."""
        p = p_ore(self.net(*self.inputs(planes)), self.temperature)
        return p, p >= threshold


def export_model(
    trained: Trained,
    file: str | Path,
    planes: Callable[[], Iterable[Planes]],
    known: Mapping[str, Any],
    labelled: Labelled | None = None,
    max_drop: float = 0.0,
) -> Exported:
    """Write a model as ONNX, and keep the file if it answers and decides as the checkpoint does.

    Input `planes` (B, 4, S, S) float32 with a free batch, and `threshold`, a scalar that may be left out; outputs
    `p_ore` (B,) float32 and `is_ore` (B,) bool. `planes` gives batches (n, 4, S, S) to compare on, the same each time;
    `known` is what its card shall say of where it comes from. Convolutions that multiply less are tried first; where a
    decision turns on them, the file has plain ones, and its card says why. With `labelled` pairs convolutions work in
    8 bits, if AUROC falls by at most `max_drop` and the file is faster here. The module is left in evaluation mode, on
    the CPU, in float32.

    Raises:
        InputError: the extra `export` is not installed, a representation that does not run without torch, no pairs,
            a file that answers or decides otherwise, or 8 bits that do not pay; nothing is kept then.
    """
    file = Path(file)
    known = {**known, "precision": "float32" if labelled is None else "int8"}
    card = Card(
        trained.threshold, trained.temperature, NOMINAL_AIR, trained.module.hparams["representation"], trained.cut,
        trained.seen, known, trained.chosen, trained.known,
    )  # fmt: skip
    trained.module.float().cpu().eval()
    Card.read(card.text())  # refuse what no runtime would open, before the work
    net, refused = lean(trained.module.net), ""
    with replacing(file) as temporary:
        while True:
            temporary.write_bytes(seal(serialised(trained, net, card)))
            model = OnnxModel(temporary)
            pairs, difference, turned = _compare(trained, model, planes())
            if not pairs:
                raise InputError(f"{file}: no pairs to check the model on; it was not kept")
            if difference <= TOLERANCE and not turned:
                break
            why = f"probabilities are up to {difference:.1e} off, {turned} of {pairs} decisions are others"
            if not multiplies_less(net):
                raise InputError(f"{file}: {why}; it was not kept")
            net, refused = trained.module.net, f"with convolutions that multiply less {why}"
            card = replace(card, provenance={**known, "convolutions": f"plain: {refused}"})
        gate = None
        if labelled is not None:
            whole = serialised(trained, trained.module.net, card)  # what multiplies less has no convolutions to turn
            temporary.write_bytes(seal(quantised(whole, labelled.calibration)))
            gate = judged(model, OnnxModel(temporary), labelled, max_drop)
    return Exported(OnnxModel(file), pairs, difference, gate, refused)


def serialised(trained: Trained, net: PairNet, card: Card) -> bytes:
    """Return a model behind its planes as ONNX, around `net`, its own network or one that answers alike.

    Raises:
        InputError: the extra `export` is not installed.
    """
    with needing():
        import onnx
        import onnxscript as onnxscript  # torch's exporter asks for it

    graph, size = _Graph(trained, net), trained.representation.size
    example = torch.rand(2, PLANES, size, size), torch.tensor(card.threshold)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        for name in ("torch.onnx", "onnxscript", "onnx_ir"):  # what they skip is no news to a user
            logging.getLogger(name).setLevel(logging.ERROR)
        program = torch.onnx.export(
            graph, example, dynamo=True, external_data=False, verbose=False,
            input_names=["planes", "threshold"], output_names=["p_ore", "is_ore"],
            dynamic_shapes={"planes": {0: torch.export.Dim("batch")}, "threshold": None},
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    # a threshold that stands beside the weights, too, may be left out when the model is asked
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(card.threshold, np.float32), "threshold"))
    for part in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]  # lines of code and paths of the machine that exported it
        part.doc_string = ""
    onnx.helper.set_model_props(model, {KEY: card.text()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _compare(trained: Trained, model: OnnxModel, planes: Iterable[Planes]) -> tuple[int, float, int]:
    """Return how many pairs were compared, the largest difference of a probability, and how many decisions differ."""
    pairs, worst, turned = 0, 0.0, 0
    for batch in planes:
        for start in range(0, len(batch), BATCH):
            part = np.ascontiguousarray(batch[start : start + BATCH])
            expected = trained.answer(part)  # (B,)
            sizes = (BATCH, *_SMALL) if pairs == 0 else (BATCH,)
            for size in sizes:
                rows = [model.decide(part[i : i + size]) for i in range(0, len(part), size)]
                found, called = (np.concatenate(column) for column in zip(*rows, strict=True))
                worst = max(worst, float(np.abs(found - expected).max()))
                turned += int((called != is_ore(expected, trained.threshold)).sum())
            pairs += len(part)
    return pairs, worst, turned
