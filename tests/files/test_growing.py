"""A table that grows: whole rows alone are there, wherever the process before was killed."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.files.growing import Growing

HEADING = "id,what"
WHOLE = "id,what\n1,a\n2,bb\n3,\n"


def test_rows_are_added_after_those_that_are_there(tmp_path: Path):
    for turn in range(3):
        with Growing(tmp_path / "t.csv", HEADING) as table:
            assert (table.rows, table.torn) == (turn, 0)
            assert table.last() == (f"{turn},x" if turn else HEADING)
            table.add(f"{turn + 1},x\n")
            table.sync()
    assert (tmp_path / "t.csv").read_text() == "id,what\n1,x\n2,x\n3,x\n"


def test_what_was_added_is_on_the_disk_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sizes: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda handle: sizes.append(os.fstat(handle).st_size))
    with Growing(tmp_path / "t.csv", HEADING) as table:
        for _ in range(2):
            table.sync()
        table.add("1,x\n")
        for _ in range(2):
            table.sync()
    assert sizes == [len(HEADING) + 1, len(HEADING) + 5]


@given(st.integers(0, len(WHOLE)))
def test_a_file_torn_anywhere_goes_on_with_its_whole_rows(size: int):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "t.csv"
        file.write_text(WHOLE[:size])
        with Growing(file, HEADING) as table:
            assert table.rows == max(WHOLE[:size].count("\n") - 1, 0)
            table.add("9,new\n")
        whole = WHOLE[: WHOLE[:size].rfind("\n") + 1] or f"{HEADING}\n"
        assert file.read_text() == f"{whole}9,new\n"


def test_rows_beyond_those_that_were_recorded_are_dropped(tmp_path: Path):
    (tmp_path / "t.csv").write_text(WHOLE + "4,to")
    with Growing(tmp_path / "t.csv", HEADING, most=1) as table:
        assert table.rows == 1
        assert table.torn == len("2,bb\n3,\n4,to")
    assert (tmp_path / "t.csv").read_text() == "id,what\n1,a\n"


@pytest.mark.parametrize(("text", "most", "why"), [("a,b\n", None, "something else"), (WHOLE, 4, "3 rows, 4 were")])
def test_another_table_is_refused_and_stays_as_it_is(tmp_path: Path, text: str, most: int | None, why: str):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=why):
        Growing(tmp_path / "t.csv", HEADING, most)
    assert (tmp_path / "t.csv").read_text() == text
