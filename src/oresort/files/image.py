"""The one reader of detector images: crops and scans, TIFF and PNG, uint16 counts or a clear refusal."""

import io
import logging
import math
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import cv2
import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.layout import IMAGES

MAX_PIXELS = 2**28
"""Largest image read (512 MiB decoded; 80,000 lines of 3,328 columns): a lying header cannot exhaust memory."""

_PNG_END = b"IEND\xaeB`\x82"  # type and checksum of the chunk that closes every PNG

# tifffile logs what it repairs (a strip that it fills with zeros, say); here all that is a refusal, so its
# log is muted while this thread reads
_reading = threading.local()
logging.getLogger("tifffile").addFilter(lambda _: not getattr(_reading, "active", False))


def read_image(path: Path) -> NDArray[np.uint16]:
    """Return one detector layer's counts (H, W), uint16, contiguous and writable, of a `.tif`, `.tiff` or `.png`.

    InputError for a file that is absent, unreadable, truncated, damaged or of another suffix; for pixels of any other
    kind than one grey uint16 channel; for several pages; for no pixels, or more than `MAX_PIXELS`.
    """
    suffix = path.suffix.lower()
    if suffix not in IMAGES:
        raise InputError(f"{path}: unknown image suffix '{suffix}'; give a 16-bit .tif, .tiff or .png")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the path and its permissions") from error
    with whole_or_refused(path, "PNG" if suffix == ".png" else "TIFF"):
        return _read_png(path, data) if suffix == ".png" else _read_tiff(path, data)


def read_pair(low: Path, high: Path) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return the low and high layer (H, W) of one crop or scan, each as by `read_image`; InputError if sizes differ."""
    images = read_image(low), read_image(high)
    check_same_size({low: images[0].shape, high: images[1].shape})
    return images


def write_tiff(path: Path, image: NDArray[np.uint16], one_strip: bool = False) -> None:
    """Write one layer (H, W) as TIFF, compressed by LZW; OSError if the disk is full or not writable.

    With `one_strip` all lines lie in one strip, differences along them: smaller, as the paper's sorter writes but for
    its strip for every line.
    """
    options = [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_LZW]
    if one_strip:
        options += [cv2.IMWRITE_TIFF_PREDICTOR, 2, cv2.IMWRITE_TIFF_ROWSPERSTRIP, 1 << 20]
    # OpenCV rather than tifffile: twice as fast on small pictures
    done, encoded = cv2.imencode(".tiff", image, options)
    if not done:
        raise OSError(f"{path}: the image could not be encoded")
    path.write_bytes(encoded.tobytes())


def write_pair(folder: Path, low: NDArray[np.uint16], high: NDArray[np.uint16], one_strip: bool = False) -> None:
    """Make a folder and write `low.tiff` and `high.tiff` into it, each as `write_tiff` does."""
    folder.mkdir(parents=True)
    for name, image in (("low", low), ("high", high)):
        write_tiff(folder / f"{name}{IMAGES[0]}", image, one_strip)


def _read_png(path: Path, data: bytes) -> NDArray[np.uint16]:
    # signature, then the IHDR chunk: https://www.w3.org/TR/png-3/#11IHDR
    width, height, bits, colour = struct.unpack(">16xIIBB", data[:26])
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or not data.endswith(_PNG_END):
        raise ValueError("no signature or no end")
    _check_size(path, height, width)
    if (bits, colour) != (16, 0):
        kind = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}.get(colour)
        _refuse(path, f"{bits}-bit {kind} pixels")
    image = imagecodecs.png_decode(data)
    if image.shape != (height, width):
        _refuse(path, "a transparent colour")
    return np.ascontiguousarray(image, dtype=np.uint16)


def _read_tiff(path: Path, data: bytes) -> NDArray[np.uint16]:
    # only strips and tags are wanted, not the series of microscope formats
    with quiet(), tifffile.TiffFile(io.BytesIO(data), _multifile=False) as tiff:
        page = check_page(path, tiff, len(data))
        _check_size(path, page.imagelength, page.imagewidth)
        return np.ascontiguousarray(page.asarray(), dtype=np.uint16)


def check_page(path: Path, tiff: tifffile.TiffFile, size: int) -> tifffile.TiffPage:
    """Return the only page of a TIFF of `size` bytes once it is known to be one whole grey uint16 image.

    InputError for other pixels, several pages, or none; ValueError for strips that are absent, empty or beyond the end,
    which would be read as zeros.
    """
    page = tiff.pages.first
    if tiff.pages.is_multipage:
        _refuse(path, "several pages")
    if page.ndim != 2 or page.samplesperpixel != 1:
        _refuse(path, f"{page.samplesperpixel} channels")
    if page.dtype != np.uint16 or page.bitspersample != 16:
        _refuse(path, f"{page.bitspersample}-bit {page.dtype} pixels")
    if page.photometric != tifffile.PHOTOMETRIC.MINISBLACK:
        _refuse(path, "inverted or palette pixels")
    if page.imagelength < 1 or page.imagewidth < 1:
        _refuse(path, "no pixels")
    strips = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not page.is_contiguous and len(strips) != math.prod(page.chunked):
        raise ValueError("strips missing")
    if any(start <= 0 or count <= 0 or start + count > size for start, count in strips):
        raise ValueError("strips cut")
    return page


def check_same_size(shapes: Mapping[Path, tuple[int, ...]]) -> None:
    """Refuse two layers of one scan, by file, whose shapes (H, W) differ."""
    if len(set(shapes.values())) > 1:
        sizes = " but ".join(f"{path} is {width} x {height}" for path, (height, width) in shapes.items())
        raise InputError(f"{sizes} (width x height); give two layers of the same scan")


@contextmanager
def quiet() -> Iterator[None]:
    """Mute what tifffile logs in this thread: what it would repair is refused here."""
    _reading.active = True
    try:
        yield
    finally:
        _reading.active = False


@contextmanager
def whole_or_refused(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises on damaged bytes into the one line that says so."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # on damaged bytes the decoders raise nearly anything
        raise InputError(f"{path}: not a whole {kind} (damaged or truncated); copy it anew") from error


def _check_size(path: Path, height: int, width: int) -> None:
    if not 0 < height * width <= MAX_PIXELS:
        raise InputError(f"{path}: claims {width} x {height} pixels; give an image of 1 to {MAX_PIXELS:,} pixels")


def _refuse(path: Path, has: str) -> NoReturn:
    raise InputError(f"{path}: has {has}; export it as one channel of 16-bit unsigned counts")
