from pathlib import Path

import pandas as pd
import pytest
from pairs import write_image, write_manifest, write_released

from oresort.errors import InputError
from oresort.files.manifest import load_manifest
from oresort.xray.transmission import NOMINAL_AIR


def test_released_layout_is_indexed_as_named(tmp_path: Path):
    frame = load_manifest(write_released(tmp_path, count=12, scans=3))
    assert len(frame) == 12
    row = frame.iloc[0]
    folder = Path(row["low"]).parent
    assert folder.as_posix() == row["id"]
    assert folder.name == f"{row['scan']}-x{row['x']:.0f}-y{row['y']:.0f}-w{row['w']:.0f}-h{row['h']:.0f}"
    assert folder.parent.name == f"{('waste', 'ore')[row['label']]}_{row['batch']}"
    assert (frame["air"] == NOMINAL_AIR).all()
    assert frame["grade"].isna().all()


def test_manifest_round_trips_the_layout(tmp_path: Path):
    layout = load_manifest(write_released(tmp_path))
    assert not (tmp_path / "manifest.csv").exists()
    pd.testing.assert_frame_equal(
        load_manifest(write_manifest(tmp_path)), layout, check_like=True
    )  # columns in any order


def test_png_pairs_are_found(tmp_path: Path):
    frame = load_manifest(write_released(tmp_path, count=12, suffix=".png"))
    assert frame["low"].str.endswith(".png").all()


def test_known_values_are_kept_and_unknown_ones_are_nan(tmp_path: Path):
    frame = load_manifest(write_manifest(write_released(tmp_path), grade="0.25", air="52000", mass=""))
    assert frame.loc[0, ["grade", "air"]].tolist() == [0.25, 52_000]
    assert frame["mass"].isna().all()
    assert frame.loc[1, "air"] == NOMINAL_AIR


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": "ore?"}, ["label 'ore?'", "waste, ore"]),
        ({"grade": "nan"}, ["grade 'nan'", ">= 0"]),
        ({"grade": "inf"}, ["grade 'inf'"]),
        ({"grade": "-0.1"}, ["grade '-0.1'"]),
        ({"mass": "heavy"}, ["mass 'heavy'"]),
        ({"air": "0"}, ["air '0'"]),
        ({"low": "../outside.tiff"}, ["outside", "../outside.tiff"]),
        ({"high": "/etc/passwd"}, ["outside", "/etc/passwd"]),
        ({"split": "train"}, ["split ''", "fill all"]),
        ({"split": "exam"}, ["split 'exam'", "train, val, test"]),
        ({"background": "grey"}, ["background 'grey'", "zero, air"]),
        ({"scan": ""}, ["scan"]),
    ],
)
def test_a_bad_cell_is_named_in_one_line(tmp_path: Path, changes: dict[str, str], words: list[str]):
    root = write_manifest(write_released(tmp_path), **changes)
    with pytest.raises(InputError) as caught:
        load_manifest(root)
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in ("manifest.csv", *words))


def test_duplicate_ids_and_images_are_refused(tmp_path: Path):
    root = write_manifest(write_released(tmp_path))
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    for column in ("id", "low"):
        twice = frame.copy()
        twice.loc[1, column] = twice.loc[0, column]
        twice.to_csv(root / "manifest.csv", index=False)
        with pytest.raises(InputError, match=f"{column} .*twice"):
            load_manifest(root)


def test_a_symbolic_link_cannot_lead_out(tmp_path: Path):
    root = write_released(tmp_path / "set")
    secret = tmp_path / "secret.tiff"
    first = next(root.rglob("low.tiff"))
    first.rename(secret)
    first.symlink_to(secret)
    with pytest.raises(InputError, match=r"outside the dataset.*data\.follow_links=true"):
        load_manifest(root)
    assert len(load_manifest(root, follow_links=True)) == 48
    frame = load_manifest(root, follow_links=True)
    for text in (str(secret), "../secret.tiff"):  # the right is a link's, never a path's
        frame.assign(low=[text, *frame["low"][1:]], label="ore").to_csv(root / "manifest.csv", index=False)
        with pytest.raises(InputError, match="outside the dataset's root; move it inside"):
            load_manifest(root, follow_links=True)


def test_a_path_through_a_link_cannot_lead_out_either(tmp_path: Path):
    root = write_manifest(write_released(tmp_path / "set"))
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path / "far" / "deep")
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    (tmp_path / "far" / "low.tiff").write_bytes((root / frame.loc[0, "low"]).read_bytes())
    frame.loc[0, "low"] = "link/../low.tiff"  # as written it is in the root, as read beside the link's folder
    frame.to_csv(root / "manifest.csv", index=False)
    with pytest.raises(InputError, match=r"data\.follow_links=true"):
        load_manifest(root)


def test_links_within_the_root_and_to_folders_and_circles(tmp_path: Path):
    root = write_released(tmp_path / "set")
    pair = next(root.glob("ore_*/*"))
    (pair.parent / f"9{pair.name}").symlink_to(pair.rename(root / ".elsewhere"))
    assert len(load_manifest(root)) == 48  # links within the root were never in doubt
    (tmp_path / "far").mkdir()
    folder = next(root.glob("waste_*"))
    folder.rename(tmp_path / "far" / folder.name)
    folder.symlink_to(tmp_path / "far" / folder.name)
    with pytest.raises(InputError, match=r"data\.follow_links=true"):
        load_manifest(root)
    assert len(load_manifest(root, follow_links=True)) == 48
    for target in ("nowhere", "ore_circle"):
        (root / "ore_circle").symlink_to(root / target)
        with pytest.raises(InputError, match="leads nowhere"):
            load_manifest(root, follow_links=True)
        (root / "ore_circle").unlink()


def test_missing_partner_and_odd_names_are_named(tmp_path: Path):
    root = write_released(tmp_path)
    lost = next(root.rglob("high.tiff"))
    lost.unlink()
    with pytest.raises(InputError, match="no high image"):
        load_manifest(root)
    lost.parent.rename(lost.parent.with_name("particle"))
    with pytest.raises(InputError, match="rename it"):
        load_manifest(root)


def test_unknown_class_folder_is_refused(tmp_path: Path):
    root = write_released(tmp_path)
    next(root.glob("ore_*")).rename(root / "gravel_7")
    with pytest.raises(InputError, match="'gravel'"):
        load_manifest(root)


@pytest.mark.parametrize("content", ["", "id,low\n1,2\n", '"unclosed\n1'])
def test_a_broken_manifest_is_refused(tmp_path: Path, content: str):
    (tmp_path / "manifest.csv").write_text(content)
    with pytest.raises(InputError, match=r"manifest\.csv"):
        load_manifest(tmp_path)


def test_no_folder_and_empty_folder(tmp_path: Path):
    with pytest.raises(InputError, match="not a folder"):
        load_manifest(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no pairs"):
        load_manifest(tmp_path)


def test_real_pairs_are_read(real_dir: Path):
    frame = load_manifest(real_dir / "pairs")
    assert frame["label"].tolist() == [1, 1]
    assert frame["scan"].tolist() == ["38", "38"]
    assert frame["w"].tolist() == [82, 85]


def test_write_image_helper_is_lossless(tmp_path: Path, dataset: Path):
    from oresort.files.image import read_image

    image = read_image(next(dataset.rglob("low.tiff")))
    write_image(tmp_path / "copy.png", image)
    assert (read_image(tmp_path / "copy.png") == image).all()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("air", "1", "air '1'"), ("air", "1e300", "65,535"), ("grade", "101", "<= 100"), ("id", " ", "fill it in")],
)
def test_what_no_sorter_and_no_rock_has_is_refused(tmp_path: Path, column: str, value: str, words: str):
    root = write_manifest(write_released(tmp_path, count=12, scans=3), **{column: value})
    with pytest.raises(InputError, match=words):
        load_manifest(root)


@pytest.mark.parametrize("written", ["{low}", "./{low}", "a/../{low}", "link.tiff"])
def test_an_image_is_named_once_however_it_is_written(tmp_path: Path, written: str):
    root = write_released(tmp_path, count=12, scans=3)
    low = next(root.glob("*/*/low.tiff")).relative_to(root)
    frame = load_manifest(root)
    (root / "link.tiff").symlink_to(low)
    (root / "a").mkdir()
    row = int(frame.index[frame["low"] == low.as_posix()][0])
    for other in (row, (row + 1) % 12):  # as the other layer of the same pair, and of another pair
        rows = frame.assign(label=["waste" if label == 0 else "ore" for label in frame["label"]])
        rows.loc[other, "high"] = written.format(low=low.as_posix())
        rows.to_csv(root / "manifest.csv", index=False)
        with pytest.raises(InputError, match="named before"):
            load_manifest(root)


@pytest.mark.parametrize("line", ["x,y", "x" + "," * 40])
def test_a_row_of_another_length_is_refused(tmp_path: Path, line: str):
    root = write_manifest(write_released(tmp_path, count=12, scans=3))
    with (root / "manifest.csv").open("a") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(InputError, match="line 14 has"):
        load_manifest(root)


def test_a_folder_that_is_no_dataset_is_one_line():
    with pytest.raises(InputError):
        load_manifest(Path("/proc"))
