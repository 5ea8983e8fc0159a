import contextlib
import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from oresort.errors import InputError
from oresort.files.lines import LayerReader, PairReader

COUNTS = np.random.default_rng(0).integers(0, 65_536, (61, 37), dtype=np.uint16)
KINDS = {
    "plain": {},
    "plain in strips": {"rowsperstrip": 7},
    "big-endian plain": {"byteorder": ">"},
    "as released": {"compression": "lzw", "predictor": True, "rowsperstrip": 1},
    "as released, big-endian": {"byteorder": ">", "compression": "lzw", "predictor": True, "rowsperstrip": 1},
    "as released, BigTIFF": {"bigtiff": True, "compression": "lzw", "predictor": True, "rowsperstrip": 1},
    "without differences": {"compression": "lzw", "rowsperstrip": 2},
    "several lines a strip": {"compression": "lzw", "predictor": True, "rowsperstrip": 8},
    "big-endian": {"byteorder": ">", "compression": "zlib", "predictor": True, "rowsperstrip": 5},
    "one strip": {"compression": "zlib", "rowsperstrip": 1000},
    "tiles": {"compression": "zlib", "tile": (16, 16)},
}


def write(path, counts, **options):
    if path.suffix == ".png":
        Image.fromarray(counts).save(path)
    else:
        tifffile.imwrite(path, counts, **options)
    return path


@pytest.mark.parametrize("kind", [*KINDS, "png"])
def test_any_range_of_lines_is_what_was_written(tmp_path, kind):
    path = write(tmp_path / ("a.png" if kind == "png" else "a.tif"), COUNTS, **KINDS.get(kind, {}))
    with LayerReader(path) as reader:
        assert (reader.height, reader.width) == COUNTS.shape
        for start, stop in ((0, 61), (0, 1), (5, 9), (3, 40), (60, 61), (58, 99), (61, 70), (8, 8), (16, 60)):
            lines = reader.read(start, stop)
            np.testing.assert_array_equal(lines, COUNTS[start:stop])
            assert lines.dtype == np.uint16
            assert lines.dtype.isnative
            assert lines.flags.writeable


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_is_refused_at_once_or_where_it_is_cut(tmp_path, capfd, kind):
    data = write(tmp_path / "whole.tif", COUNTS, **KINDS[kind]).read_bytes()
    path = tmp_path / "a.tif"
    for length in range(0, len(data), 53):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"a\.tif"), LayerReader(path) as reader:
            reader.read(0, reader.height)
    assert capfd.readouterr() == ("", "")


def test_damage_gives_lines_or_a_refusal(tmp_path, capfd):
    rng = np.random.default_rng(0)
    for kind, options in KINDS.items():
        data = write(tmp_path / "whole.tif", COUNTS, **options).read_bytes()
        for _ in range(30):
            damaged = bytearray(data)
            for place in rng.integers(0, len(data), 3):
                damaged[place] = rng.integers(0, 256)
            (tmp_path / "a.tif").write_bytes(bytes(damaged))
            # a header that lies about the size may be refused as well; InputError and nothing else
            with contextlib.suppress(InputError), LayerReader(tmp_path / "a.tif") as reader:
                lines = reader.read(0, min(reader.height, 99))
                assert lines.dtype == np.uint16, kind
    assert capfd.readouterr() == ("", "")


def test_only_one_band_is_decoded_at_a_time(tmp_path, monkeypatch):
    path = write(tmp_path / "a.tif", COUNTS, **KINDS["several lines a strip"])
    with LayerReader(path) as reader:
        seen = []
        decode = reader._page.decode
        monkeypatch.setattr(
            type(reader._page),
            "decode",
            property(lambda _: lambda d, i, **k: (seen.append(i), decode(d, i, **k))[1]),
        )
        for start in range(0, 61, 3):
            reader.read(start, start + 3)
    assert seen == list(range(8))


def test_other_pixels_are_refused(tmp_path):
    for counts in (COUNTS.astype(np.uint8), COUNTS.astype(np.float16), np.zeros((4, 5, 3), np.uint16)):
        with pytest.raises(InputError, match=r"a\.tif: has .*;"):
            LayerReader(write(tmp_path / "a.tif", counts, photometric="rgb" if counts.ndim == 3 else None))
    stream = io.BytesIO()
    Image.new("RGB", (4, 5)).save(stream, "PNG")
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    with pytest.raises(InputError, match="RGB"):
        LayerReader(tmp_path / "a.png")
    with pytest.raises(InputError, match="No such file"):
        LayerReader(tmp_path / "b.tif")


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"compression": "lzw", "rowsperstrip": 3}])
@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_counts_of_another_kind_are_checked_as_they_are_read(tmp_path, kind, options):
    counts = np.minimum(COUNTS, 32_767)
    pixels = counts.astype(kind)
    pixels[40, 3] = -7
    with LayerReader(write(tmp_path / "a.tif", pixels, **options)) as reader:
        lines = reader.read(0, 39)
        np.testing.assert_array_equal(lines, counts[:39])
        assert lines.dtype == np.uint16
        with pytest.raises(InputError, match=r"a\.tif: has -7(\.0)? at line 40, column 3, no count .*; export"):
            reader.read(37, 61)


@pytest.mark.parametrize("gap", [0, 10_000])
def test_strips_lie_anywhere_in_any_order(tmp_path, gap):
    path = write(tmp_path / "a.tif", COUNTS, **KINDS["as released"])
    data = path.read_bytes()
    with tifffile.TiffFile(path, mode="r+b") as file:
        page = file.pages.first
        places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        end, offsets = len(data), []
        for start, size in reversed(places):
            data += bytes(gap) + data[start : start + size]
            offsets.insert(0, len(data) - size)
        page.tags["StripOffsets"].overwrite(offsets)
    path.write_bytes(path.read_bytes()[:end] + data[end:])
    with LayerReader(path) as reader:
        np.testing.assert_array_equal(reader.read(0, 61), COUNTS)
        np.testing.assert_array_equal(reader.read(7, 9), COUNTS[7:9])


def test_layers_of_different_size_are_named(tmp_path):
    low, high = write(tmp_path / "low.tif", COUNTS), write(tmp_path / "high.tif", COUNTS[:-1])
    with pytest.raises(InputError, match=r"low\.tif is 37 x 61 but .*high\.tif is 37 x 60"):
        PairReader(low, high)
