import contextlib
import io

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from oresort.errors import InputError
from oresort.files import image as reader
from oresort.files.image import read_image, read_pair

COUNTS = np.random.default_rng(0).integers(0, 65_536, (23, 31), dtype=np.uint16)
TIFFS = {
    "plain": {},
    "as released": {"compression": "lzw", "predictor": True, "rowsperstrip": 1},
    "big-endian": {"byteorder": ">", "compression": "lzw", "predictor": True},
    "big-endian plain": {"byteorder": ">"},
    "tiles": {"compression": "zlib", "tile": (16, 16)},
}


def tiff(counts, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, counts, **options)
    return stream.getvalue()


def png(counts, mode=None):
    stream = io.BytesIO()
    (Image.new(mode, (5, 4)) if mode else Image.fromarray(counts)).save(stream, "PNG")
    return stream.getvalue()


WHOLE = [("a.tiff", tiff(COUNTS, **options)) for options in TIFFS.values()] + [("a.png", png(COUNTS))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("images")


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_image(path)
    message = str(caught.value)
    assert str(path) in message
    assert ";" in message, "no mend"
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("name", "data"), WHOLE, ids=[*TIFFS, "png"])
def test_counts_come_back_as_written(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    counts = read_image(tmp_path / name)
    np.testing.assert_array_equal(counts, COUNTS)
    assert counts.dtype == np.uint16
    assert counts.dtype.isnative
    assert counts.flags.writeable


@pytest.mark.parametrize(("name", "data"), WHOLE, ids=[*TIFFS, "png"])
def test_a_file_cut_anywhere_is_refused_without_noise(tmp_path, capfd, name, data):
    path = tmp_path / name
    for length in {*range(0, len(data), 7), *range(len(data) - 40, len(data))}:
        path.write_bytes(data[:length])
        refusal(path)
    assert capfd.readouterr() == ("", "")


def test_a_released_scan_cut_anywhere_is_refused(real_dir, tmp_path, capfd):
    # unlike what tifffile writes, these files have their directory at the end
    data = next(real_dir.glob("pairs/*/*/low.tiff")).read_bytes()
    path = tmp_path / "low.tiff"
    for length in {*range(0, len(data), 97), *range(len(data) - 200, len(data))}:
        path.write_bytes(data[:length])
        refusal(path)
    assert capfd.readouterr() == ("", "")


@given(st.sampled_from(WHOLE), st.data())
def test_damage_gives_an_image_or_a_refusal(folder, whole, data):
    name, content = whole
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(bytes(damaged))
    # InputError and nothing else may come of it
    with contextlib.suppress(InputError):
        counts = read_image(folder / name)
        assert counts.dtype == np.uint16
        assert counts.ndim == 2


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("a.tif", tiff(COUNTS.astype(np.uint8)), "8-bit"),
        ("a.tif", tiff(COUNTS.astype(np.int8)), "int8"),
        ("a.tif", tiff(COUNTS.astype(np.float16)), "float16"),
        ("a.tif", tiff(COUNTS.astype(np.uint64)), "64-bit"),
        ("a.tif", tiff(np.zeros((4, 5, 3), np.uint16), photometric="rgb"), "3 channels"),
        ("a.tif", tiff(np.zeros((3, 4, 5), np.uint16), photometric="minisblack"), "each layer to a file of its own"),
        ("a.tif", tiff(np.zeros((2, 4, 5), np.uint16), imagej=True, truncate=True), "several pages"),
        ("a.tif", tiff(COUNTS, photometric="miniswhite"), "inverted"),
        ("a.tif", png(COUNTS), "not a whole TIFF"),
        ("a.tif", b"", "not a whole TIFF"),
        ("a.png", png(None, "L"), "8-bit grey"),
        ("a.png", png(None, "P"), "palette"),
        ("a.png", png(None, "RGB"), "RGB"),
        ("a.png", png(None, "RGBA"), "alpha"),
        ("a.png", tiff(COUNTS), "not a whole PNG"),
        ("a.png", b"", "not a whole PNG"),
        ("a.bmp", png(COUNTS), "suffix '.bmp'"),
    ],
)
def test_other_pixels_are_refused(tmp_path, name, data, complaint):
    (tmp_path / name).write_bytes(data)
    assert complaint in refusal(tmp_path / name)


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint32, np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}, {"byteorder": ">"}])
def test_whole_counts_of_another_kind_are_counts(tmp_path, kind, options):
    most = min(np.iinfo(kind).max, 65_535) if np.issubdtype(kind, np.integer) else 65_535
    counts = np.minimum(COUNTS, most)
    counts[0, :2] = 0, most
    (tmp_path / "a.tif").write_bytes(tiff(counts.astype(kind), **options))
    read = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(read, counts)
    assert read.dtype == np.uint16
    assert read.flags.writeable


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (np.int16, -1, "-1"),
        (np.int32, 65_536, "65536"),
        (np.uint32, 2**32 - 1, "4294967295"),
        (np.float32, 0.75, "0.75"),
        (np.float32, 65_535.5, "65535.5"),
        (np.float64, -0.25, "-0.25"),
        (np.float64, np.nan, "nan"),
        (np.float32, np.inf, "inf"),
        (np.float32, -np.inf, "-inf"),
    ],
)
def test_a_value_that_is_no_count_is_named_with_its_place(tmp_path, kind, value, said):
    pixels = np.minimum(COUNTS, 32_767).astype(kind)
    pixels[17, 5] = pixels[20, 0] = value
    (tmp_path / "a.tif").write_bytes(tiff(pixels))
    assert f"has {said} at line 17, column 5, no count" in refusal(tmp_path / "a.tif")


def test_a_strip_too_short_for_its_lines_is_refused_rather_than_read_on_beyond_it(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(COUNTS) + bytes(9_000))
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags["StripByteCounts"].overwrite([COUNTS.nbytes - 2])
    assert "truncated" in refusal(path)


def test_absent_files_and_folders_are_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    assert "directory" in refusal(tmp_path / "b.png")


def test_a_header_that_claims_too_much_is_refused_before_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_PIXELS", COUNTS.size - 1)
    monkeypatch.setattr(reader.imagecodecs, "png_decode", None)
    for name, data in WHOLE:
        (tmp_path / name).write_bytes(data)
        assert "31 x 23 pixels" in refusal(tmp_path / name)


def test_a_missing_strip_is_refused_rather_than_read_as_zeros(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(COUNTS, compression="lzw", rowsperstrip=4))
    with tifffile.TiffFile(path, mode="r+b") as file:
        sizes = list(file.pages.first.tags["StripByteCounts"].value)
        file.pages.first.tags["StripByteCounts"].overwrite([*sizes[:-1], 0])
    assert "truncated" in refusal(path)


def test_layers_of_different_size_are_named(tmp_path):
    for name, counts in (("low.tif", COUNTS), ("high.tif", COUNTS[:-1])):
        (tmp_path / name).write_bytes(tiff(counts))
    with pytest.raises(InputError, match=r"low\.tif is 31 x 23 but .*high\.tif is 31 x 22"):
        read_pair(tmp_path / "low.tif", tmp_path / "high.tif")
