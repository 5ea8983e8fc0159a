"""Images that are no images, or not of counts: a pair of a dataset, and the layer of a scan to sort."""

import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from faults.harness import Kind
from faults.kinds.checks import EVALUATE, same_decisions, same_predictions, test_pair
from PIL import Image


def _again(convert: Callable[[np.ndarray], np.ndarray], **options: object) -> Callable[[Path], None]:
    """Write a file's own pixels anew, converted."""

    def write(file: Path) -> None:
        tifffile.imwrite(file, convert(tifffile.imread(file)), **{"photometric": "minisblack", **options})

    return write


def _bytes(change: Callable[[bytearray], bytes]) -> Callable[[Path], None]:
    return lambda file: file.write_bytes(change(bytearray(file.read_bytes()))) and None


def _tag(number: int, value: int, write: str = "I") -> Callable[[Path], None]:
    """Overwrite the value of a tag in the first directory of a little-endian TIFF."""

    def change(data: bytearray) -> bytes:
        (start,) = struct.unpack_from("<I", data, 4)
        (count,) = struct.unpack_from("<H", data, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            if struct.unpack_from("<H", data, entry)[0] == number:
                struct.pack_into(f"<{write}", data, entry + 8, value)
                return bytes(data)
        raise AssertionError(f"no tag {number}")

    return _bytes(change)


def _png(size: tuple[int, int], depth: int = 16, colour: int = 0, lines: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _as_png(file: Path, data: bytes | None = None, **_: object) -> None:
    """Put a PNG in a TIFF's place, under its own suffix."""
    counts = tifffile.imread(file)
    file.unlink()
    file = file.with_suffix(".png")
    file.write_bytes(data) if data is not None else Image.fromarray(counts).save(file)


def _instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def put(file: Path) -> None:
        file.unlink()
        make(file)

    return put


def _bomb(file: Path) -> None:
    """60,000 x 60,000 zeros, which deflate makes small."""
    rows = zlib.compress(bytes(60_000 * 2 * 100), 9)
    with file.open("wb") as out:
        out.write(b"II*\0" + struct.pack("<I", 8))
        strips, size = 600, len(rows)
        tags = [(256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 16), (259, 3, 1, 8), (262, 3, 1, 1)]
        after = 8 + 2 + 12 * 10 + 4
        tags += [(273, 4, strips, after), (277, 3, 1, 1), (278, 4, 1, 100), (279, 4, strips, after + 4 * strips)]
        tags += [(339, 3, 1, 1)]
        out.write(struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4))
        out.write(struct.pack("<I", after + 8 * strips) * strips + struct.pack("<I", size) * strips + rows)


def _sparse(file: Path) -> None:
    """40 GB that take no room."""
    tifffile.imwrite(file, np.ones((8, 8), np.uint16))
    os.truncate(file, 40 << 30)


def _circle(file: Path) -> None:
    (file.parent / "other").symlink_to(file.name)
    file.symlink_to("other")


def _socket(file: Path) -> None:
    here = Path.cwd()
    os.chdir(file.parent)  # a socket's name may have 100 letters
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(file.name)
    finally:
        os.chdir(here)


DAMAGED: dict[str, Callable[[Path], object]] = {
    "empty": lambda f: f.write_bytes(b""),
    "one byte": lambda f: f.write_bytes(b"I"),
    "text": lambda f: f.write_text("low,high\n1,2\n"),
    "zeros": lambda f: f.write_bytes(bytes(4_000)),
    "noise": lambda f: f.write_bytes(np.random.default_rng(0).bytes(4_000)),
    "cut in half": _bytes(lambda d: d[: len(d) // 2]),
    "without its last byte of pixels": _bytes(lambda d: d[:-400]),
    "header only": _bytes(lambda d: d[:8]),
    "JPEG named TIFF": lambda f: Image.fromarray(np.zeros((9, 9), np.uint8)).save(f, "JPEG"),
    "directory beyond the end": _bytes(lambda d: d[:4] + struct.pack("<I", 1 << 30) + d[8:]),
    "directory at zero": _bytes(lambda d: d[:4] + bytes(4) + d[8:]),
    "directory in itself": _bytes(lambda d: d[:4] + struct.pack("<I", 4) + d[8:]),
    "width 0": _tag(256, 0),
    "width beyond memory": _tag(256, 4_000_000_000),
    "height beyond memory": _tag(257, 4_000_000_000),
    "height of more lines than are there": _tag(257, 900),
    "unknown compression": _tag(259, 34_999, "H"),
    "other compression": _tag(259, 8, "H"),
    "strips beyond the end": _tag(273, 1 << 30),
    "bits of 12": _tag(258, 12, "H"),
    "two channels claimed": _tag(277, 2, "H"),
    "pixels of 8 bits": _again(lambda a: (a >> 8).astype(np.uint8)),
    "pixels of one bit": _again(lambda a: a > 0),
    "colours": _again(lambda a: np.stack([a, a, a], -1), photometric="rgb"),
    "inverted": _again(lambda a: a, photometric="miniswhite"),
    "complex": _again(lambda a: a.astype(np.complex64)),
    "64 bits": _again(lambda a: a.astype(np.uint64)),
    "negative": _again(lambda a: a.astype(np.int16) - 32_000),
    "beyond 16 bits": _again(lambda a: a.astype(np.int32) + 70_000),
    "shares of one": _again(lambda a: (a / 65_535).astype(np.float32)),
    "NaN": _again(lambda a: np.full(a.shape, np.nan, np.float32)),
    "infinite": _again(lambda a: np.full(a.shape, np.inf, np.float64)),
    "two pages": _again(lambda a: np.stack([a, a])),
    "ImageJ stack": _again(lambda a: np.stack([a, a]), imagej=True),
    "bomb": _bomb,
    "PNG cut short": lambda f: _as_png(f, _png((30, 30), lines=bytes(61 * 30))[:-30]),
    "PNG with wrong sum": lambda f: _as_png(f, _png((30, 30), lines=bytes(61 * 30))[:-14] + bytes(14)),
    "PNG bomb": lambda f: _as_png(f, _png((2**31 - 1, 2**31 - 1), lines=bytes(1 << 20))),
    "PNG of no size": lambda f: _as_png(f, _png((0, 0))),
    "PNG of 8 bits": lambda f: _as_png(f, _png((30, 30), 8, lines=bytes(31 * 30))),
    "PNG in colours": lambda f: _as_png(f, _png((30, 30), 16, 2, lines=bytes(181 * 30))),
    "empty PNG": lambda f: _as_png(f, b""),
    "missing": Path.unlink,
    "folder": _instead(Path.mkdir),
    "FIFO": _instead(os.mkfifo),
    "socket": _instead(_socket),
    "link to zeros without end": _instead(lambda f: f.symlink_to("/dev/zero")),
    "link to nothing": _instead(lambda f: f.symlink_to("nowhere")),
    "links in a circle": _instead(_circle),
    "40 GB without content": _sparse,
    "one value": _again(lambda a: np.full_like(a, 500)),
    "one line fewer": _again(lambda a: a[:-1]),
    "one pixel": _again(lambda a: a[:1, :1]),
}

SOUND: dict[str, Callable[[Path], object]] = {
    "big-endian": _again(lambda a: a, byteorder=">"),
    "BigTIFF": _again(lambda a: a, bigtiff=True),
    "tiles": _again(lambda a: a, tile=(16, 16), compression="zlib"),
    "one strip a line": _again(lambda a: a, rowsperstrip=1),
    "int32": _again(lambda a: a.astype(np.int32)),
    "uint32": _again(lambda a: a.astype(np.uint32)),
    "floats of whole counts": _again(lambda a: a.astype(np.float64)),
    "bytes after its end": _bytes(lambda d: d + bytes(99)),
}

_SORT = "sort ckpt=belt.ckpt low=raw/a_low.tiff high=raw/a_high.tiff out=s"
_PNG = {name for name in DAMAGED if "PNG" in name}


def _in_pair(change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda here: change(test_pair(here) / "low.tiff")


def _in_scan(change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda here: change(here / "raw/a_low.tiff")


KINDS = [
    *(
        Kind(f"pair: {name}", "evaluate ckpt=run data.root=set", _in_pair(change), says=r"low|high\.tiff")
        for name, change in DAMAGED.items()
    ),
    *(
        Kind(f"pair: {name}", EVALUATE, _in_pair(change), holds=same_predictions)
        for name, change in (SOUND | {"PNG": _as_png}).items()
    ),
    *(
        Kind(f"scan: {name}", _SORT.replace("low.tiff", "low.png") if name in _PNG else _SORT, _in_scan(change), r"a_")
        for name, change in DAMAGED.items()
    ),
    *(Kind(f"scan: {name}", _SORT, _in_scan(change), holds=same_decisions) for name, change in SOUND.items()),
    Kind("scan: PNG", _SORT.replace("low.tiff", "low.png"), _in_scan(_as_png), holds=same_decisions),
]
