"""A report's table in LaTeX, for a paper of one or two columns that has the package booktabs."""

import re
from collections.abc import Sequence

from oresort.sorting import METRICS
from oresort.tables.columns import best, heading
from oresort.tables.text import Section

HEAD = "% Tables of oresort.report: \\usepackage{booktabs} in the preamble, then \\input this file, or copy a table.\n"

_NAMES = {
    **{"row": "", "n": "$n$", "params_M": "Parameters, M", "epochs": "Epochs", "minutes": "Minutes"},
    **{f"pairs_{side}": f"Pairs ({side})" for side in ("train", "val", "test")},
    **{"auroc": "AUROC", "f1": "F1", "recall": "Recall", "precision": "Precision", "accuracy": "Accuracy"},
    **{"balanced_accuracy": "Balanced accuracy", "mcc": "MCC", "average_precision": "Average precision"},
    **{"brier": "Brier score", "ece": "Calibration error"},
}
_ESCAPED = {
    **{sign: f"\\{sign}" for sign in "%&#_${}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$", "Δ": r"$\Delta$"},
}
# points: of a column and a page of common classes with two columns, and the least that names are given
_COLUMN, _PAGE, _LEAST = 240.0, 490.0, 90.0
_SIZES = ((r"\footnotesize", 4.3, 4), (r"\scriptsize", 3.95, 3), (r"\tiny", 3.2, 2))
"""Letters, what a sign of theirs takes, and the gap at either side of a column; both in points."""


def latex(section: Section) -> str:
    """Return a section as a floating table with caption and label; `table*` where one column does not hold it.

    The best mean of each metric is bold, see `tables.columns.best`; the caption says so.
    """
    texts = section.cells.to_numpy().tolist()
    marks = [best(section.numbers, column) for column in section.columns]
    head = [_NAMES["row"], *(_heading(column, section) for column in section.columns)]
    rows = [
        [escape(str(name)), *(_cell(text, mark[at]) for text, mark in zip(cells, marks, strict=True))]
        for at, (name, *cells) in enumerate(texts)
    ]
    plain = [re.sub(r"\\textbf|\\\w+|[${}]", "", text) for text in head]
    widths = [max(len(str(line[k])) for line in [plain, *texts]) for k in range(len(head))]
    star, names, size = _layout(widths)
    said = [f"{section.title}: {section.facts}", *section.notes]
    bold = [r"Bold: the best mean of its column"] if any(map(any, marks)) else []
    lines = [
        rf"\begin{{table{star}}}",
        r"\centering",
        rf"\caption{{{'. '.join([*map(escape, said), *bold])}.}}",
        rf"\label{{tab:{section.slug}}}",
        size,
        rf"\begin{{tabular}}{{{names}{'r' * len(section.columns)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *(" & ".join(_wrapped(row, names)) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\end{{table{star}}}",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return text as LaTeX sets it, sign for sign."""
    return "".join(_ESCAPED.get(sign, sign) for sign in text)


def _heading(column: str, section: Section) -> str:
    if column == "difference":
        return rf"$\Delta$ {_NAMES[section.metric]} [95\,\%]"
    if (name := column.removeprefix("paper_")) in METRICS and name != column:
        return f"Paper: {_NAMES[name]}"
    return _NAMES.get(column) or escape(heading(column, section.metric))


def _cell(text: str, is_best: bool) -> str:
    """Return a cell of numbers with their minus signs, a dash where nothing is known."""
    if text == "-":
        return "--"
    signed = re.sub(r"(?<![\w.])([+-]\d[\d.]*)", r"$\1$", escape(text))
    return rf"\textbf{{{signed}}}" if is_best else signed


def _layout(widths: Sequence[int]) -> tuple[str, str, str]:
    """Return `*` where a table takes the page's width, how names are set, and the size of the letters."""
    size, sign, gap = _SIZES[0]
    if sum(widths) * sign + len(widths) * 2 * gap <= _COLUMN:
        return "", "l", size + rf"\setlength{{\tabcolsep}}{{{gap}pt}}"
    for size, sign, gap in _SIZES:  # noqa: B007  # the smallest is taken where none is small enough
        room = _PAGE - sum(widths[1:]) * sign - len(widths) * 2 * gap
        if room >= min(_LEAST, widths[0] * sign):
            break
    names = "l" if widths[0] * sign <= room else f"p{{{max(_LEAST, room):.0f}pt}}"
    return "*", names, size + rf"\setlength{{\tabcolsep}}{{{gap}pt}}"


def _wrapped(row: Sequence[str], names: str) -> list[str]:
    return [rf"\raggedright {row[0]}" if names.startswith("p") else row[0], *row[1:]]
