import re

import pytest

from oresort.errors import InputError
from oresort.files.scans import find_scans


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_pairs_are_found_by_name_in_all_folders(tmp_path):
    touch(tmp_path, "b_low.tiff", "b_high.tif", "ore_12/a_low.PNG", "ore_12/a_high.png", "waste/c_low.tif")
    touch(tmp_path, "waste/c_high.tif", "notes.txt", "b_labels.tiff", "._b_low.tiff", "x_low.txt")
    scans, problems = find_scans(tmp_path)
    assert problems == []
    assert [(s.name, s.label, s.batch) for s in scans] == [
        ("a", "ore", "12"),
        ("b", "", ""),
        ("c", "waste", ""),
    ]
    assert scans[1].low == tmp_path / "b_low.tiff"
    assert scans[1].high == tmp_path / "b_high.tif"


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (("a_low.tif",), r"a_low\.tif: no a_high beside it"),
        (("a_high.tif",), r"a_high\.tif: no a_low beside it"),
        (("a_low.tif", "a_low.png", "a_high.tif"), r"a_low\.png: a_low\.tif is the same layer"),
        (
            ("x/a_low.tif", "x/a_high.tif", "y/a_low.tif", "y/a_high.tif"),
            r"y/a_low\.tif: another scan is called a",
        ),
    ],
)
def test_what_is_no_pair_is_one_line(tmp_path, names, complaint):
    touch(tmp_path, *names)
    (problem,) = find_scans(tmp_path)[1]
    assert re.search(complaint, problem)
    assert ";" in problem


def test_links_to_folders_are_followed_when_asked_for_and_circles_end(tmp_path):
    root = tmp_path / "raw"
    touch(root, "a_low.tif", "a_high.tif", "in/b_low.tif", "in/b_high.tif")
    touch(tmp_path, "far/c_low.tif", "far/c_high.tif", "file_low.tif")
    (root / "again").symlink_to(root / "in")
    (root / "in" / "up").symlink_to(root)
    (root / "d_low.tif").symlink_to(tmp_path / "file_low.tif")
    (root / "d_high.tif").symlink_to(tmp_path / "file_low.tif")
    scans, problems = find_scans(root)
    assert ([scan.name for scan in scans], problems) == (["a", "b", "d"], [])
    (root / "link").symlink_to(tmp_path / "far")
    scans, (problem,) = find_scans(root)
    assert [scan.name for scan in scans] == ["a", "b", "d"]
    assert re.search(r"raw/link: a link to a folder outside .*; .*follow_links=true", problem)
    (tmp_path / "far" / "back").symlink_to(root)
    scans, problems = find_scans(root, follow_links=True)
    assert ([scan.name for scan in scans], problems) == (["a", "b", "c", "d"], [])
    assert scans[2].low == root / "link" / "c_low.tif"
    (root / "lost").symlink_to(root / "lost")
    assert "leads nowhere" in find_scans(root, follow_links=True)[1][0]


def test_names_by_pattern(tmp_path):
    touch(tmp_path, "LE 7 raw.tif", "HE 7 raw.tif", "7_low.tif", "7_high.tif")
    (scan,), problems = find_scans(tmp_path, "LE {scan} raw", "HE {scan} raw")
    assert (scan.name, scan.low.name, problems) == ("7", "LE 7 raw.tif", [])
    for low, high in (("low", "{scan}_high"), ("{scan}", "{scan}"), ("x/{scan}", "{scan}_high")):
        with pytest.raises(InputError, match="low="):
            find_scans(tmp_path, low, high)


def test_no_scans_and_no_folder(tmp_path):
    with pytest.raises(InputError, match="no scans"):
        find_scans(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        find_scans(tmp_path / "none")
