"""Faults in a table's cells and in warnings: all counted, the worst named."""

from pathlib import Path

from oresort.scan.fault import Fault
from oresort.scan.told import fault_cells, fault_lines


def faults(mended, not_mended):
    return [Fault("low", "lost", slice(10 * k, 10 * k + 1), None, k < mended) for k in range(mended + not_mended)]


def test_no_fault_says_nothing():
    assert fault_cells([], 0) == {"lines_lost": 0, "faults": ""}
    assert not list(fault_lines(Path("a"), [], 0, "summary.csv"))


def test_the_worst_are_named_and_the_rest_is_counted():
    found = faults(40, 4)
    cells = fault_cells(found, 44)
    assert cells["lines_lost"] == 44
    assert str(cells["faults"]).startswith(f"{found[40]}; {found[41]}; ")
    assert str(cells["faults"]).endswith("; and 24 more")
    lines = list(fault_lines(Path("a_low.tiff"), found, 44, "summary.csv"))
    assert [str(fault) in line for fault, line in zip(found[40:] + found[:1], lines, strict=False)] == [True] * 5
    assert all(line.startswith("warning: a_low.tiff: ") and "\n" not in line for line in lines)
    assert "see to the detector" in lines[0]
    assert "see to the detector" not in lines[4]
    assert "39 faults more, 0 of them not mended; see summary.csv" in lines[5]
    assert "44 lines lost" in lines[6]
    assert len(lines) == 7
