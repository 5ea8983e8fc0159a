"""One self-contained file of what a document says: text, style, script and pictures, and nothing is asked for."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined
from markupsafe import Markup

from oresort.runtime.page.document import look, policy
from oresort.tables.page.words import interval

_POLICY = "<!-- policy -->"


def render(template: str, page: Mapping[str, Any], pictures: Mapping[str, Any], templates: Path | None = None) -> str:
    """Return the HTML of a document; `pictures` are data URIs by name.

    All text is escaped, whoever wrote it, and a policy in the file lets nothing run or load but what it holds itself.
    A value that the template needs and the document lacks is an error rather than a blank.
    """
    own = PackageLoader("oresort.tables.page")
    loader = own if templates is None else ChoiceLoader([own, FileSystemLoader(templates)])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": _percent, "count": _count, "number": _number, "slug": _slug}
    environment.globals |= {"interval": interval, "shared_style": Markup(look())}  # ours
    text = environment.get_template(f"{template}.html").render(page=page, pictures=pictures)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(text)}">'
    return text.replace(_POLICY, meta, 1)


def _percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{100 * value:.{digits}f}"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _number(value: object, digits: int = 4) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        if 1_000 <= abs(value) < 1e15:
            return f"{value:,.0f}"
        return f"{value:.{digits}g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
