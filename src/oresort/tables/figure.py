"""Figures as files, in the size and the letters of a journal."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from oresort.files.write import replacing

KINDS = ("png", "pdf", "svg")
"""What a figure can be written as."""

COLUMN, PAGE = 3.5, 7.16
"""Inches: the width of one column, and of the page, of most journals with two columns."""

_STYLE: dict[Any, Any] = {
    **{"font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7},
    **{"legend.fontsize": 7, "figure.titlesize": 8, "lines.markersize": 4, "lines.linewidth": 1.2},
    **{"axes.linewidth": 0.6, "figure.dpi": 220, "savefig.dpi": 220, "text.parse_math": False},
    # TrueType letters lie in a PDF, as journals ask for; an SVG holds them as outlines, and needs no font
    **{"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "oresort"},
}
_METADATA: dict[str, dict[str, Any]] = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}


def write_figure(draw: Callable[[], Figure], out: Path, name: str, kinds: Sequence[str]) -> list[Path]:
    """Write what `draw` makes as `name.KIND` of each of `kinds` into `out`; return the files.

    Those of other kinds that an earlier call left there are removed: they would show something else.
    """
    files = []
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in signs that the font lacks is drawn as boxes
        figure = draw() if kinds else None
        for kind in KINDS:
            file = out / f"{name}.{kind}"
            if figure is None or kind not in kinds:
                file.unlink(missing_ok=True)
                continue
            with replacing(file) as temporary:
                figure.savefig(temporary, format=kind, metadata=_METADATA[kind])
            files.append(file)
    return files
