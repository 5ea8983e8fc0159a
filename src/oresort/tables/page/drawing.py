"""Pictures of a page, as data URIs: lines as SVG in the page's own light or dark, photographs as PNG or JPEG."""

import base64
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from oresort.errors import InputError, one_line

_INK = "#010203"  # no other colour of a picture; the reader's own takes its place
_STYLE = "<style>svg{color:#1b1c1e}@media (prefers-color-scheme:dark){svg{color:#ececea}}</style>"
_LINES: dict[Any, Any] = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
    **{"axes.facecolor": "none", "savefig.transparent": True, "svg.hashsalt": "oresort", "svg.fonttype": "path"},
    **{
        "font.size": 9,
        "figure.titlesize": 8,
        "text.parse_math": False,
        "legend.facecolor": "none",
        "legend.frameon": False,
    },
    **{"axes.spines.top": False, "axes.spines.right": False, "legend.labelcolor": _INK},
}


def lines(draw: Callable[[], Figure]) -> str:
    """Return what `draw` makes as SVG that takes the reader's light or dark; names in it are no formulas."""
    stream = io.StringIO()
    with mpl.rc_context(_LINES), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in signs that the font lacks is drawn as boxes
        draw().savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue().replace(_INK, "currentColor")
    start = text.index("<svg")
    place = text.index(">", start) + 1
    return _uri("image/svg+xml", (text[start:place] + _STYLE + text[place:]).encode())


def photograph(file: Path, most: int = 1_400) -> str:
    """Return a picture's file on white, at most `most` pixels wide and twice as high, as a data URI.

    Raises:
        InputError: no picture, or one larger than this program draws.
    """
    stream = io.BytesIO()
    try:
        with warnings.catch_warnings(), Image.open(file) as image:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image.load()
            image.thumbnail((most, 2 * most))
            whole = Image.new("RGB", image.size, "white")
            whole.paste(image, mask=image.getchannel("A") if "A" in image.getbands() else None)
            whole.save(stream, "JPEG", quality=85, optimize=True)
    except (OSError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{file}: not a picture that was drawn here ({one_line(error)}); make it again") from error
    return _uri("image/jpeg", stream.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
