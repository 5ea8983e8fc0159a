"""An exported model with convolutions of 8 bits, kept where it is as good and faster here."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from oresort.console.extras import needing
from oresort.errors import InputError
from oresort.learn.metrics import binary_metrics
from oresort.represent.representation import Planes
from oresort.runtime.model import BATCH
from oresort.runtime.onnx import OnnxModel

_ROUNDS = 5


class Labelled(NamedTuple):
    """Pairs by which a model of 8 bits is made and judged."""

    calibration: Planes  # (M, 4, S, S), of training: they say which values the layers take
    planes: Planes  # (N, 4, S, S), of validation
    label: NDArray[np.int64]  # (N,), 1 for ore


class Gate(NamedTuple):
    """What 8 bits cost and bring."""

    auroc: tuple[float, float]  # of float32, of 8 bits
    speed: float  # times as many pairs a second, on one thread, in batches of 64
    turned: int  # decisions that are others


def quantised(model: bytes, calibration: Planes) -> bytes:
    """Return a serialised model whose convolutions work in 8 bits, with the ranges that some planes show.

    Weights have 7 bits, scaled by channel: with eight, processors without VNNI saturate, and would answer otherwise
    than the one where the file was judged.

    Raises:
        InputError: the extra `export` is not installed.
    """
    with needing():
        import onnx
    from onnxruntime import quantization as tools

    class Reader(tools.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            starts = range(0, len(calibration), BATCH)
            self.batches = iter([{"planes": np.array(calibration[i : i + BATCH])} for i in starts])

        def get_next(self) -> dict[str, Any] | None:
            return next(self.batches, None)

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # advice to whoever calls the tools
    ort.set_default_logger_severity(4)
    try:
        with tempfile.TemporaryDirectory() as folder:
            plain, small = Path(folder) / "plain.onnx", Path(folder) / "small.onnx"
            options = ort.SessionOptions()
            options.log_severity_level = 4
            # constants and batch norms folded into convolutions: these are then all that is worth 8 bits
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
            options.optimized_model_filepath = str(plain)
            ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            tools.quantize_static(
                plain, small, Reader(), quant_format=tools.QuantFormat.QDQ, op_types_to_quantize=["Conv"],
                per_channel=True, reduce_range=True, activation_type=tools.QuantType.QUInt8,
                weight_type=tools.QuantType.QInt8,
            )  # fmt: skip
            made = onnx.load(small)
    finally:
        logging.disable(before)
        ort.set_default_logger_severity(2)  # as it is by default
    inputs = {entry.name for entry in made.graph.input}
    if "threshold" not in inputs:  # the optimiser takes what stands beside the weights for a constant
        entry = onnx.helper.make_tensor_value_info("threshold", onnx.TensorProto.FLOAT, [])
        made.graph.input.append(entry)
    onnx.helper.set_model_props(made, {e.key: e.value for e in onnx.load_from_string(model).metadata_props})
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def judged(plain: OnnxModel, small: OnnxModel, pairs: Labelled, max_drop: float) -> Gate:
    """Return what 8 bits cost and bring on labelled pairs.

    Raises:
        InputError: pairs of one class, an AUROC that falls by more than `max_drop`, or no gain of speed here.
    """
    answers = [np.concatenate([m.answer(p) for p in _batches(pairs.planes)]) for m in (plain, small)]
    label = torch.from_numpy(pairs.label)
    auroc = [binary_metrics(torch.from_numpy(p), label, plain.threshold)["auroc"] for p in answers]
    called = [p >= np.float32(plain.threshold) for p in answers]
    times = _seconds([plain, small], pairs.planes[:BATCH])
    gate = Gate((auroc[0], auroc[1]), times[0] / times[1], int((called[0] != called[1]).sum()))
    if not auroc[0] - auroc[1] <= max_drop:  # NaN, of one class, is not
        why = f"AUROC is {100 * auroc[1]:.2f} with 8 bits and {100 * auroc[0]:.2f} without"
        raise InputError(f"precision=int8: {why}, on {len(label)} pairs; it was not kept, use precision=float32")
    if gate.speed <= 1:
        why = f"{gate.speed:.2f} times as fast on this processor"
        raise InputError(f"precision=int8: {why}; it was not kept, use precision=float32")
    return gate


def _batches(planes: Planes) -> Sequence[Planes]:
    return [np.ascontiguousarray(planes[i : i + BATCH]) for i in range(0, len(planes), BATCH)]


def _seconds(models: Sequence[OnnxModel], planes: Planes) -> list[float]:
    """Return the least processor time of each model, in turns so that a busy machine meets all alike."""
    best = [float("inf")] * len(models)
    for model in models:
        model.answer(planes)
    for _ in range(_ROUNDS):
        for place, model in enumerate(models):
            start = process_time()
            model.answer(planes)
            best[place] = min(best[place], process_time() - start)
    return best
