"""Send the lines of a scan to `python -m oresort.sort lines=...`, as a detector's frame grabber would.

    python examples/send_lines.py low.tiff high.tiff | python -m oresort.sort lines=- ...
    python examples/send_lines.py low.tiff high.tiff --to 127.0.0.1:7400 --rate 3700 --repeat 10

It needs numpy and tifffile alone: it is the reference for a sender in any language. `docs/stream.md` has the format.
"""

import argparse
import io
import socket
import struct
import sys
import time
import zlib
from collections.abc import Iterator

import numpy as np
import tifffile

LIMITS = {"rate": (0.01, 1_000_000), "lines": (1, 4_096), "repeat": (1, 1_000_000), "first": (0, 2**61)}


def sealed(packed: bytes) -> bytes:
    """Return some fields and their CRC-32."""
    return packed + struct.pack("<I", zlib.crc32(packed))


def header(columns: int) -> bytes:
    """Return what a sender begins with: magic, version 1, two layers, columns, little-endian uint16."""
    return sealed(struct.pack("<8sHHI4s", b"ORELINES", 1, 2, columns, b"<u2\0"))


def frame(first: int, low: np.ndarray, high: np.ndarray) -> bytes:
    """Return lines `first` and on, counts (n, columns): all of the low layer, then all of the high; none: the end."""
    payload = low.astype("<u2").tobytes() + high.astype("<u2").tobytes()
    return sealed(struct.pack("<4sIQI", b"LINE", len(low), first, zlib.crc32(payload))) + payload


def frames(low: np.ndarray, high: np.ndarray, lines: int, repeat: int, first: int) -> Iterator[tuple[int, bytes]]:
    """Yield number of the line after it and frame, of a scan that is sent again and again, then the end."""
    for turn in range(repeat):
        # lines that repeat others to the bit show that a link has hung, and would be taken for that
        low, high = (np.where(layer < 65_527, layer + (turn > 0), layer).astype(np.uint16) for layer in (low, high))
        for start in range(0, len(low), lines):
            part = slice(start, start + lines)
            packed = frame(first, low[part], high[part])
            first += len(low[part])
            yield first, packed
    yield first, frame(first, low[:0], high[:0])


def main() -> None:
    """Send a scan, once or again and again, at a given rate or as fast as it is taken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("low", help="TIFF of the low layer, uint16")
    parser.add_argument("high", help="TIFF of the high layer")
    parser.add_argument("--to", metavar="HOST:PORT", help="where to connect; without it lines go to standard output")
    parser.add_argument("--rate", type=float, help="lines a second; without it as fast as they are taken")
    parser.add_argument("--lines", type=int, default=32, help="lines in a frame: few are soon there, many are cheap")
    parser.add_argument("--repeat", type=int, default=1, help="times that the scan is sent, as one belt")
    parser.add_argument("--first", type=int, default=0, help="number of the first line")
    options = parser.parse_args()
    for name, (least, most) in LIMITS.items():
        value = getattr(options, name)
        if value is not None and not least <= value <= most:  # NaN is not
            sys.exit(f"error: --{name} {value}: give {least} to {most}")
    low, high = (np.asarray(tifffile.imread(file)) for file in (options.low, options.high))
    if low.shape != high.shape or low.dtype != np.uint16 or high.dtype != np.uint16:
        sys.exit(f"error: {options.low}, {options.high}: two uint16 layers of one size are needed")
    if options.to:
        host, _, port = options.to.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            sys.exit(f"error: --to {options.to}: give HOST:PORT, or leave it out for standard output")
        stream = socket.create_connection((host.strip("[]"), int(port))).makefile("wb")
    else:
        # not sys.stdout.buffer: under PYTHONUNBUFFERED that one writes a part of a frame and tells only by its answer
        stream = io.BufferedWriter(io.FileIO(sys.stdout.fileno(), "wb", closefd=False))
    begun = time.perf_counter()
    with stream:
        stream.write(header(low.shape[1]))
        for after, packed in frames(low, high, options.lines, options.repeat, options.first):
            if options.rate:  # a line is there once it has been exposed
                time.sleep(max(begun + (after - options.first) / options.rate - time.perf_counter(), 0))
            stream.write(packed)
            stream.flush()


if __name__ == "__main__":
    try:
        main()
    except ConnectionError as error:
        sys.exit(f"error: {error}; the receiver is not there, or has left: its log says why")
    except (OSError, tifffile.TiffFileError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
