"""The learned functions of a KAN head as a table and as a picture."""

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

from oresort.errors import InputError
from oresort.models.checks import positive
from oresort.models.heads.kan import kan_layers
from oresort.models.kan import edges
from oresort.models.kan.layer import KANLayer

SPAN = 3.0  # of x; tanh is flat beyond
POINTS = 121


def _layers(model: nn.Module) -> list[KANLayer]:
    layers = kan_layers(model)
    if not layers:
        raise InputError("model: has no KAN layer, so no learned functions; train one with model/head=kan")
    return layers


def edge_table(model: nn.Module) -> pd.DataFrame:
    """Return `layer, input, output, importance` of every edge, the most important of a layer first.

    Importance is the standard deviation of the edge's function, see `edges.importance`. Layers, inputs and
    outputs count from 0; of several heads the layers go on counting.

    Raises:
        InputError: a model without KAN layers.
    """
    tables = []
    for number, layer in enumerate(_layers(model)):
        size = edges.importance(layer).detach().cpu()
        rows, columns = torch.meshgrid(
            torch.arange(size.shape[0]), torch.arange(size.shape[1]), indexing="ij"
        )
        table = pd.DataFrame(
            {"input": rows.flatten(), "output": columns.flatten(), "importance": size.flatten()}
        )
        tables.append(table.assign(layer=number).sort_values("importance", ascending=False, kind="stable"))
    return pd.concat(tables, ignore_index=True)[["layer", "input", "output", "importance"]]


def edge_figure(model: nn.Module, top: int = 6) -> Figure:
    """Draw the `top` most important functions of every layer over x in [-3, 3], a row a layer.

    Raises:
        InputError: a model without KAN layers, or `top` below 1.
    """
    layers, table = _layers(model), edge_table(model)
    width = min(positive("top", top), max(len(rows) for _, rows in table.groupby("layer")))
    figure = Figure(figsize=(1.7 * width + 0.4, 1.35 * len(layers) + 0.5), layout="constrained")
    axes = figure.subplots(len(layers), width, squeeze=False, sharex=True)
    x = torch.linspace(-SPAN, SPAN, POINTS)
    for number, layer in enumerate(layers):
        with torch.no_grad():
            y = edges.functions(layer.cpu(), x.to(layer.coefficients.dtype)).float()  # (POINTS, in, out)
        chosen = table[table["layer"] == number].head(width)
        limit = float((y - y.mean(0)).abs().max()) or 1.0  # one scale for a layer, so that heights compare
        for place, axis in enumerate(axes[number]):
            if place >= len(chosen):
                axis.set_axis_off()
                continue
            i, o = int(chosen["input"].iloc[place]), int(chosen["output"].iloc[place])
            axis.plot(x, y[:, i, o] - y[:, i, o].mean(), linewidth=1.3)
            axis.set_ylim(-1.1 * limit, 1.1 * limit)
            axis.set_title(f"layer {number}: {i} to {o}", fontsize=7)
            axis.tick_params(labelsize=6)
    figure.suptitle("most important functions of each layer, less their mean", fontsize=9)
    return figure
