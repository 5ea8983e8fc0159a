"""Assays: a table of grades by place is read whole or refused."""

from pathlib import Path

import numpy as np
import pytest

from oresort.errors import InputError
from oresort.scan.cut.assays import load_assays

HEAD = "x,y,w,h,grade,mass\n"


def test_a_mass_may_be_unknown(tmp_path: Path):
    (tmp_path / "a.csv").write_text(f"{HEAD}1,2,3,4,0.5,12\n5,6,7,8,0.25,\n")
    table = load_assays(tmp_path / "a.csv")
    np.testing.assert_array_equal(table, [[1, 2, 3, 4, 0.5, 12], [5, 6, 7, 8, 0.25, np.nan]])
    (tmp_path / "a.csv").write_text("x,y,w,h,grade\n1,2,3,4,0.5\n")
    np.testing.assert_array_equal(load_assays(tmp_path / "a.csv"), [[1, 2, 3, 4, 0.5, np.nan]])


@pytest.mark.parametrize(
    "row",
    ["1,2,3,4,inf,1", "1,2,3,4,,1", "1,2,3,4,101,1", "1,2,3,4,0.5,heavy", "1,2,3,4,0.5,inf", "-1,2,3,4,0.5,1", "1,2"],
)
def test_a_cell_that_is_no_measurement_is_refused(tmp_path: Path, row: str):
    (tmp_path / "a.csv").write_text(f"{HEAD}{row}\n")
    with pytest.raises(InputError, match=r"a\.csv: "):
        load_assays(tmp_path / "a.csv")
