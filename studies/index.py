"""All studies of experiments/ as one page that can be sent: questions, pictures, what each shows and does not show.

    python -m studies.index

Writes `page/report.html`, and what it says as `page/report.json`. Texts are those of each study's README.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markdown_it import MarkdownIt
from markupsafe import Markup

from oresort.errors import InputError
from oresort.files.provenance import provenance
from oresort.tables.page.drawing import photograph
from oresort.tables.page.write import write_page
from studies.command import run_study

_WIDE = 900  # pixels of a picture on the page
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_TABLE = re.compile(r"<!-- table: .*?<!-- end -->\n?", re.DOTALL)
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NOT = re.compile(r"\*\*(?:What it does|Does) not show", re.IGNORECASE)


@dataclass
class Options:
    """Keys of the command."""

    root: Path = Path("experiments")
    out: Path = Path("page")  # folder of report.html and report.json


def read_study(readme: Path) -> dict[str, Any]:
    """Return what a study's page says: `name, title, question, commands, shows, does_not_show, pictures, tables`.

    Texts are Markdown without links, since files beside the page do not travel with it; what a page does not say is
    empty. Pictures and tables are paths from the study's folder.
    """
    text = _LINK.sub(r"\1", _TABLE.sub("", readme.read_text(encoding="utf-8")))
    folder = readme.parent
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    questions = [block for block in text.split("\n\n") if block.startswith("**Question.**")]
    shows, does_not_show = _claims(_FENCED.sub("", text))
    return {
        "name": folder.name,
        "title": title[1] if title else folder.name,
        "question": "\n\n".join(block.removeprefix("**Question.**").strip() for block in questions),
        "commands": [found.strip() for found in _FENCED.findall(text)],
        "shows": "\n\n".join(shows),
        "does_not_show": "\n\n".join(does_not_show),
        "pictures": sorted(str(file.relative_to(folder)) for file in folder.rglob("*.png")),
        "tables": sorted(str(file.relative_to(folder)) for file in folder.rglob("*.csv")),
    }


def _claims(text: str) -> tuple[list[str], list[str]]:
    """Return the paragraphs that say what a study shows, and what it does not."""
    shows: list[str] = []
    does_not: list[str] = []
    under: list[str] | None = None  # what a heading says of the paragraphs below it
    for block in (block.strip() for block in text.split("\n\n")):
        if heading := re.match(r"#+ (.+)", block):
            word = heading[1].lower()
            under = does_not if "does not show" in word else shows if "it shows" in word else None
            block = block[heading.end() :].strip()
        if block.startswith("**Shows") or _NOT.match(block):
            cut = found.start() if (found := _NOT.search(block)) else len(block)
            shows += filter(None, [block[:cut].strip()])
            does_not += filter(None, [block[cut:].strip()])
        elif under is not None and block:
            under.append(block)
    return shows, does_not


def document(root: Path) -> dict[str, Any]:
    """Return all that the page says, in plain values; InputError for a folder without studies."""
    studies = [read_study(file) for file in sorted(root.glob("*/README.md"))]
    if not studies:
        raise InputError(f"{root}: no studies (NAME/README.md) in it; give the folder as root=DIR")
    told = {"question": "its question", "shows": "what it shows", "does_not_show": "what it does not show"}
    lacking = [
        {"what": study["name"], "why": f"its page does not say {what}"}
        for study in studies
        for key, what in told.items()
        if not study[key]
    ]
    return {"kind": "studies", "root": str(root), "studies": studies, "left_out": lacking, "provenance": provenance()}


def drawn(page: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Return each study's `pictures`, and its texts as HTML, in which a stranger's tags are text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return {
        study["name"]: {
            "pictures": [(name, photograph(root / study["name"] / name, _WIDE)) for name in study["pictures"]],
            **{key: Markup(markdown.render(study[key])) for key in ("question", "shows", "does_not_show")},
        }
        for study in page["studies"]
    }


def study(options: Options) -> pd.DataFrame:
    """Write the page; return a row for each study."""
    page = document(options.root)
    write_page(options.out, "studies", page, lambda read: drawn(read, options.root), Path(__file__).parent)
    return pd.DataFrame(list(_counted(page)))


def _counted(page: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in page["studies"]:
        said = {key: "yes" if one[key] else "no" for key in ("question", "shows", "does_not_show")}
        yield {"study": one["name"], "pictures": len(one["pictures"]), "tables": len(one["tables"]), **said}


if __name__ == "__main__":
    run_study(Options, study)
