"""The learned functions of a KAN head as a table and as a picture; torch is needed to call them, not to import."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oresort.console.palette import BLUE
from oresort.console.show import show
from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.tables.figure import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import nn

    from oresort.models.kan.layer import KANLayer

SPAN, POINTS = 3.0, 121  # of x; tanh is flat beyond


def _layers(model: "nn.Module") -> "list[KANLayer]":
    from oresort.models.heads.kan import kan_layers

    if layers := kan_layers(model):
        return layers
    raise InputError("model: has no KAN layer, so no learned functions; give data.root=DIR to see where it looks")


def edge_table(model: "nn.Module") -> pd.DataFrame:
    """Return `layer, input, output, importance` of every edge, the most important of a layer first.

    Importance is the standard deviation of the edge's function, see `edges.importance`. Layers, inputs and
    outputs count from 0; of several heads the layers go on counting. InputError for a model without KAN layers.
    """
    from oresort.models.kan import edges

    tables = []
    for number, layer in enumerate(_layers(model)):
        size = edges.importance(layer).detach().cpu().numpy()  # (in, out)
        inputs, outputs = np.indices(size.shape).reshape(2, -1)
        table = pd.DataFrame({"layer": number, "input": inputs, "output": outputs, "importance": size.ravel()})
        tables.append(table.sort_values("importance", ascending=False, kind="stable"))
    return pd.concat(tables, ignore_index=True)


def by_layer(table: pd.DataFrame) -> pd.DataFrame:
    """Return, per layer of `edge_table`, how many edges there are and how many hold half of the importance."""
    rows = []
    for layer, part in table.groupby("layer"):
        share = part["importance"].cumsum() / part["importance"].sum()
        rows.append({"layer": layer, "edges": len(part), "hold half of the importance": (share < 0.5).sum() + 1})
    return pd.DataFrame(rows)


def edge_functions(model: "nn.Module", top: int = 6) -> list[dict[str, Any]]:
    """Return the `top` (1 or more) most important functions of every layer, in plain values.

    A row has `layer, input, output, importance` as `edge_table`, and `y`, the function less its mean at each of `grid`.
    """
    import torch

    from oresort.models.checks import positive
    from oresort.models.kan import edges

    layers, table = _layers(model), edge_table(model)
    rows: list[dict[str, Any]] = []
    x = torch.from_numpy(grid())
    for number, layer in enumerate(layers):
        chosen = table[table["layer"] == number].head(positive("top", top))
        with torch.no_grad():
            y = edges.functions(layer.cpu(), x.to(layer.coefficients.dtype)).double()  # (POINTS, in, out)
        y -= y.mean(0)
        for edge in chosen.astype(object).to_dict("records"):
            own = {str(key): value for key, value in edge.items()}
            rows.append({**own, "y": y[:, own["input"], own["output"]].tolist()})
    return rows


def grid() -> "NDArray[np.float64]":
    """Return the x (POINTS,) at which functions are drawn."""
    return np.linspace(-SPAN, SPAN, POINTS)


def edge_figure(functions: Sequence[Mapping[str, Any]]) -> "Figure":
    """Draw what `edge_functions` returned over x in [-3, 3], one row per layer, each on a scale of its own."""
    from matplotlib.figure import Figure

    layers = {row["layer"]: [own for own in functions if own["layer"] == row["layer"]] for row in functions}
    width = max(map(len, layers.values()))
    figure = Figure(figsize=(1.16 * max(width, 3), 1.2 * len(layers) + 0.7), layout="constrained")  # six on a page
    axes = figure.subplots(len(layers), width, squeeze=False, sharex=True)
    for panels, own in zip(axes, layers.values(), strict=True):
        limit = max(abs(value) for row in own for value in row["y"]) or 1.0  # one scale, so that heights compare
        for axis, row in zip(panels, own, strict=False):
            axis.plot(grid(), row["y"], linewidth=1.3, color=BLUE)
            axis.set(ylim=(-1.1 * limit, 1.1 * limit))
            of = f"layer {row['layer']}: {row['input']} to {row['output']}"
            axis.set_title(f"{of}\nimportance {row['importance']:.3g}", fontsize=6.5)
            axis.tick_params(labelsize=6)
        for axis in panels[len(own) :]:
            axis.set_axis_off()
    figure.suptitle("most important functions of each layer, less their mean")
    figure.supxlabel("x, an input of the layer", fontsize=8)
    figure.supylabel("φ(x)", fontsize=8)
    return figure


def write_edges(model: "nn.Module", out: str | Path, top: int = 6, kinds: Sequence[str] = ("png",)) -> dict[str, Any]:
    """Write `edges.csv` and its figure into `out`, print how importance is spread, return what a record says.

    InputError, and nothing is written, for a model without KAN layers.
    """
    out = Path(out)
    table, functions = edge_table(model), edge_functions(model, top)
    with replacing(out / "edges.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    drawn = write_figure(partial(edge_figure, functions), out, "edges", kinds)
    layers = by_layer(table)
    show(layers, "edges by layer")
    told = {"layers": layers.to_dict("records"), "functions": functions}
    return {**told, "table": "edges.csv", "pictures": [file.name for file in drawn]}
