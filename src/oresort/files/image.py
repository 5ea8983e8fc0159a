"""The one reader of detector images: crops and scans, TIFF and PNG, counts of 16 bits or a clear refusal."""

import io
import logging
import math
import os
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
from oresort.files.reading import read_bytes
from oresort.xray.transmission import FULL_SCALE

MAX_PIXELS = 2**28
"""Largest image read (512 MiB decoded; 80,000 lines of 3,328 columns): a lying header cannot exhaust memory."""

_MOST_BYTES = 4 * MAX_PIXELS  # of a file that is read at once; scans in TIFF are read by lines, however long

_KINDS = {"uint16", "int16", "uint32", "int32", "float32", "float64"}  # of pixels that may hold counts

_PNG_END = b"IEND\xaeB`\x82"  # type and checksum of the chunk that closes every PNG

# tifffile logs what it repairs (a strip that it fills with zeros, say); here all that is a refusal, so its
# log is muted while this thread reads
_reading = threading.local()
logging.getLogger("tifffile").addFilter(lambda _: not getattr(_reading, "active", False))


def read_image(path: str | Path) -> NDArray[np.uint16]:
    """Return one detector layer's counts (H, W), uint16, contiguous and writable, of a `.tif`, `.tiff` or `.png`.

    The pixels are one grey channel, 16 bits in a PNG; a TIFF may also have any kind of `as_counts`.

    InputError for a file that is absent, unreadable, truncated, damaged or of another suffix; for pixels of any other
    kind, or that are no counts; for several pages; for no pixels, or more than `MAX_PIXELS`.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in IMAGES:
        raise InputError(f"{path}: unknown image suffix '{suffix}'; give a 16-bit .tif, .tiff or .png")
    data = read_bytes(path, _MOST_BYTES, "check the path and its permissions")
    with whole_or_refused(path, "PNG" if suffix == ".png" else "TIFF"):
        return _read_png(path, data) if suffix == ".png" else _read_tiff(path, data)


def read_pair(low: str | Path, high: str | Path) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return the low and high layer (H, W) of one crop or scan, each as by `read_image`; InputError if sizes differ."""
    images = read_image(low), read_image(high)
    check_same_size({Path(low): images[0].shape, Path(high): images[1].shape})
    return images


def write_tiff(path: Path, image: NDArray[np.uint16], packed: bool = True) -> None:
    """Write one layer (H, W) as TIFF, packed by LZW or as it is; OSError if the disk is full or not writable."""
    how = cv2.IMWRITE_TIFF_COMPRESSION_LZW if packed else cv2.IMWRITE_TIFF_COMPRESSION_NONE
    # OpenCV rather than tifffile: twice as fast on small pictures
    done, encoded = cv2.imencode(".tiff", image, [cv2.IMWRITE_TIFF_COMPRESSION, how])
    if not done:
        raise OSError(f"{path}: the image could not be encoded")
    # an open file of Python's asks the system five things more, which for a crop takes as long as writing it
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        left = encoded.data
        while left:
            left = left[os.write(handle, left) :]
    finally:
        os.close(handle)


def write_pair(folder: Path, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> None:
    """Make a folder and write `low.tiff` and `high.tiff` into it, each as `write_tiff` does, not packed.

    Noise hardly packs: LZW would save a tenth, and take ten times as long.
    """
    folder.mkdir(parents=True)
    for name, image in (("low", low), ("high", high)):
        write_tiff(folder / f"{name}{IMAGES[0]}", image, packed=False)


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
        return np.ascontiguousarray(as_counts(path, page.asarray()))


def as_counts(path: str | Path, pixels: NDArray[np.number], first: int = 0) -> NDArray[np.uint16]:
    """Return pixels (H, W), the lines of a file from `first` on, as counts: whole numbers of 0 to 65,535 as they are.

    Signed integers, those of 32 bits and floats are exports of the same counts by other programs. InputError, naming
    the first value that is no count and its place.
    """
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        return np.asarray(pixels, np.uint16)  # in this machine's order of bytes
    with np.errstate(invalid="ignore"):  # of what is not finite; it is no count either
        fits = (pixels >= 0) & (pixels <= FULL_SCALE) & (pixels == np.trunc(pixels))  # (H, W)
    if not fits.all():
        line, column = np.unravel_index(int(fits.argmin()), fits.shape)
        value = pixels[line, column]
        place = f"line {first + line}, column {column}"
        raise InputError(
            f"{path}: has {value} at {place}, no count of 0 to {FULL_SCALE:,}; "
            "export the detector's own counts as one channel of 16-bit unsigned integers, neither scaled nor offset"
        )
    return pixels.astype(np.uint16)


def check_page(path: Path, tiff: tifffile.TiffFile, size: int) -> tifffile.TiffPage:
    """Return the only page of a TIFF of `size` bytes once it is known to be one whole grey image that may hold counts.

    InputError for other pixels, several pages, or none; ValueError for strips that are absent, empty, beyond the end
    or too short for their lines, which would be read as zeros or as whatever follows them.
    """
    page = tiff.pages.first
    # ImageJ writes one directory for all of its images
    if tiff.pages.is_multipage or (tiff.imagej_metadata or {}).get("images", 1) != 1:
        raise InputError(
            f"{path}: has several pages; write each layer to a file of its own, as tiffsplit does, and name both"
        )
    if page.ndim != 2 or page.samplesperpixel != 1:
        _refuse(path, f"{page.samplesperpixel} channels")
    if page.dtype is None or page.dtype.name not in _KINDS or page.bitspersample != 8 * page.dtype.itemsize:
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
    if page.compression == 1 and sum(page.databytecounts) < page.nbytes:
        raise ValueError("strips short")
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
