"""A model as an ONNX file, checked against the model before it is kept."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.models.pairnet import PairNet

TOLERANCE = 1e-4  # largest difference of a logit, relative to the largest logit, that `export_onnx` lets pass


def export_onnx(
    model: PairNet, channels: int, size: int, file: Path, metadata: Mapping[str, str] | None = None
) -> float:
    """Write `model` as ONNX, and keep the file if it computes the same; return the largest difference of a logit.

    Inputs `low`, `high` (batch, channels, size, size) float32; output `logits` (batch, 2), waste then ore. The batch is
    free; three sizes of it are tried. Weights and `metadata`, texts, are inside the file, which is written whole or not
    at all. The model is left in evaluation mode, on the CPU.

    Raises:
        InputError: the extra `onnx` is not installed, or the file does not compute what the model does.
    """
    try:
        import onnx
        import onnxscript as onnxscript  # torch's exporter asks for it
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name}: not installed; pip install 'oresort[onnx]'") from error
    model = model.float().cpu().eval()
    pair = tuple(torch.randn(2, channels, size, size) for _ in range(2))
    batch = torch.export.Dim("batch")
    with replacing(file) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        for name in ("torch.onnx", "onnxscript"):  # what they skip is no news to a user
            logging.getLogger(name).setLevel(logging.ERROR)
        torch.onnx.export(
            model, pair, temporary, dynamo=True, external_data=False, verbose=False,
            input_names=["low", "high"], output_names=["logits"],
            dynamic_shapes={"low": {0: batch}, "high": {0: batch}},
        )  # fmt: skip
        content = onnx.load(temporary)
        energies = ",".join(model.fusion.energies)
        onnx.helper.set_model_props(content, {"oresort_energies": energies, **(metadata or {})})
        onnx.checker.check_model(content)
        onnx.save(content, temporary)
        difference, scale = _difference(model, temporary, channels, size)
        if not difference <= TOLERANCE * max(1.0, scale):
            raise InputError(f"{file}: the exported model is {difference:.1e} off; it was not kept")
    return difference


def _difference(model: PairNet, file: Path, channels: int, size: int) -> tuple[float, float]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    wanted = {entry.name for entry in session.get_inputs()}
    worst = scale = 0.0
    generator = torch.Generator().manual_seed(0)
    for count in (1, 2, 7):
        low, high = torch.randn(2, count, channels, size, size, generator=generator)
        feed = {"low": low.numpy(), "high": high.numpy()}
        found = session.run(None, {name: feed[name] for name in feed if name in wanted})[0]
        with torch.no_grad():
            expected = model(low, high).numpy()
        worst = max(worst, float(np.abs(found - expected).max()))
        scale = max(scale, float(np.abs(expected).max()))
    return worst, scale
