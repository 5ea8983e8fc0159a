"""The report's tables in LaTeX, and a paper that holds them."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from oresort.tables.columns import cells, heading
from oresort.tables.latex import HEAD, latex
from oresort.tables.text import Section

CHOSEN = ("n", "params_M", "auroc", "difference", "mcc", "brier")


def section(title: str, names: list[str], columns: tuple[str, ...] = CHOSEN, data: str = "abc") -> Section:
    rows = len(names)
    numbers = pd.DataFrame({"row": names, "n": 3, "params_M": 1.3, "data": data, "reference": names[0]})
    for metric, low in (("auroc", 0.8), ("mcc", -0.09), ("brier", 0.1), ("f1", 0.7), ("ece", 0.02)):
        numbers[f"{metric}_mean"] = [low + 0.01 * (rows - at) for at in range(rows)]
        numbers[f"{metric}_std"] = 0.01
    numbers["difference_metric"] = ["auroc" if at else None for at in range(rows)]
    for at, end in enumerate(("", "_low", "_high")):
        numbers[f"difference{end}"] = [float("nan"), *[-0.02 + 0.01 * at] * (rows - 1)]
    shown = {"row": names} | {heading(name, "auroc"): cells(numbers, name) for name in columns}
    return Section(title, "slug", "50 % of #1, mean±std", pd.DataFrame(shown), numbers, columns)


def test_what_latex_would_read_as_its_own_is_escaped():
    text = latex(section("a_b", ["50 % & more_", "{x}^~$\\"]))
    assert r"\caption{a\_b: 50 \% of \#1, mean$\pm$std. Bold" in text
    assert r"50 \% \& more\_ &" in text
    assert r"\{x\}\textasciicircum{}\textasciitilde{}\$\textbackslash{} &" in text
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")
    assert r"\label{tab:slug}" in text


def test_numbers_have_their_signs_and_the_best_mean_is_bold():
    first, second = (line for line in latex(section("t", ["one", "two-3"])).splitlines() if " & 3 & " in line)
    assert r"one & 3 & 1.30 & \textbf{82.00$\pm$1.00} & reference & \textbf{$-7.00$$\pm$1.00} & 12.00$\pm$1.00" in first
    # the least Brier score is the best, and a name is no number
    assert r"two-3 & 3 & 1.30 & 81.00$\pm$1.00 & $-2.00$ [$-1.00$, $+0.00$] & $-8.00$$\pm$1.00 &" in second
    assert r"\textbf{11.00$\pm$1.00}" in second


def test_nothing_is_best_alone_or_among_figures_of_other_pairs():
    assert "textbf" not in latex(section("t", ["one"]))
    mixed = section("t", ["one", "two"])
    mixed.numbers["data"] = ["abc", "xyz"]
    assert "textbf" not in latex(mixed)
    assert "Bold" not in latex(mixed)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_a_paper_of_two_columns_takes_the_tables(tmp_path: Path):
    long = "fusion CrossAttention, weight_decay 0.01, batch_size 64, " * 4
    tables = [
        section("few", ["KAN 6", "MLP 6"], ("n", "auroc")),  # stands in one column
        section("a_b & c", [f"row {i}, 100 % of {{x}}" for i in range(12)]),
        section("long", [long, "µ ± Δ < > ~ ^ \\ $x$ #_"]),
        section("wide", ["a", "b"], (*CHOSEN, "f1", "ece", "epochs", "pairs_train")),
    ]
    assert [re.search(r"table(\*?)}", latex(table))[1] for table in tables] == ["", "*", "*", "*"]
    (tmp_path / "report.tex").write_text("\n".join([HEAD, *map(latex, tables)]), encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage[margin=2cm]{geometry}\usepackage{booktabs}"
        r"\begin{document}\input{report.tex}\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Overfull" not in done.stdout
    assert (tmp_path / "paper.pdf").stat().st_size > 0
