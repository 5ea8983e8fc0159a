"""Read a scan a few lines at a time, so that its length does not matter."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np
import tifffile
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.image import (
    MAX_PIXELS,
    as_counts,
    check_page,
    check_same_size,
    quiet,
    read_image,
    whole_or_refused,
)
from oresort.files.strips import strips_of


class Layer(Protocol):
    """One detector layer of `height` lines and `width` columns, on disk or in memory."""

    @property
    def path(self) -> Path:
        """How messages call it."""

    @property
    def height(self) -> int:
        """Lines."""

    @property
    def width(self) -> int:
        """Columns."""

    def read(self, start: int, stop: int) -> NDArray[np.uint16]:
        """Return lines `start` to `stop`, clipped to those there are, as counts (lines, width)."""


class Pair(Protocol):
    """Both layers of one scan, of one size."""

    @property
    def low(self) -> Layer:
        """Low energies."""

    @property
    def high(self) -> Layer:
        """High energies."""

    @property
    def height(self) -> int:
        """Lines of each."""

    @property
    def width(self) -> int:
        """Columns of each."""


class LayerReader(AbstractContextManager["LayerReader", None]):
    """One detector layer of `height` lines and `width` columns, read by ranges of lines; holds its file open.

    A TIFF is decoded strip by strip (or by rows of tiles): beyond the lines asked for its memory is one strip. A
    PNG, which has no parts that could be decoded alone, and a TIFF whose one compressed strip holds all lines are
    decoded whole. InputError as `read_image`; damage inside a strip shows when that strip is read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open = ExitStack()
        self._image: NDArray[np.uint16] | None = None
        if path.suffix.lower() not in {".tif", ".tiff"} or not path.is_file():
            self._image = read_image(path)
            self.height, self.width = self._image.shape
            return
        with whole_or_refused(path, "TIFF"), quiet(), ExitStack() as opened:
            tiff = opened.enter_context(tifffile.TiffFile(path, _multifile=False))
            page = self._page = check_page(path, tiff, path.stat().st_size)
            self.height, self.width = page.imagelength, page.imagewidth
            self._dtype = np.dtype(page.dtype)
            self._band, self._band_number = np.empty((0, 0), self._dtype), -1
            plain = page.compression == 1 and page.predictor == 1 and page.fillorder == 1
            self._raw = page.is_contiguous and plain  # then any line's place in the file is known
            self._strips = strips_of(page)
            self._band_lines = min(page.tilelength if page.is_tiled else page.rowsperstrip, self.height)
            if not self._raw and self._band_lines * self.width > MAX_PIXELS:
                lines = f"{self._band_lines:,} lines"
                raise InputError(f"{path}: one compressed strip of {lines}; export it with fewer rows per strip")
            self._open = opened.pop_all()

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def read(self, start: int, stop: int) -> NDArray[np.uint16]:
        """Return lines `start` to `stop` (clipped to the scan) as counts (lines, width); InputError if undecodable."""
        start, stop = max(start, 0), min(stop, self.height)
        if self._image is not None:
            return self._image[start:stop]
        with whole_or_refused(self.path, "TIFF"), quiet():
            lines = self._plain(start, stop) if self._raw else self._unpacked(start, stop)
        return as_counts(self.path, lines, start)

    def _plain(self, start: int, stop: int) -> NDArray[np.number]:
        count = max(stop - start, 0) * self.width
        size = self._dtype.itemsize
        data = self._bytes(self._page.dataoffsets[0] + start * self.width * size, count * size)
        stored = np.frombuffer(data, self._dtype.newbyteorder(self._page.parent.byteorder))
        return stored.astype(self._dtype.newbyteorder("=")).reshape(-1, self.width)  # the caller's own, to write to

    def _unpacked(self, start: int, stop: int) -> NDArray[np.number]:
        lines = np.empty((max(stop - start, 0), self.width), self._dtype)
        row = start
        while row < stop:
            number, within = divmod(row, self._band_lines)
            whole = (stop - row) // self._band_lines  # strips that are wanted from their first line to their last
            if self._strips is not None and within == 0 and whole:
                into = lines[row - start :][: whole * self._band_lines]
                self._strips.decode(number, number + whole, self._bytes, into)
                row += len(into)
                continue
            band = self._decode(number)[within : within + stop - row]
            lines[row - start : row - start + len(band)] = band
            row += len(band)
        return lines

    def _decode(self, number: int) -> NDArray[np.number]:
        """Return strip, or row of tiles, `number`; the last one is kept, for it may hold the next lines too."""
        if number == self._band_number:
            return self._band
        page = self._page
        across = -(-self.width // page.tilewidth) if page.is_tiled else 1
        parts = []
        for index in range(number * across, (number + 1) * across):
            data = self._bytes(page.dataoffsets[index], page.databytecounts[index])
            part = page.decode(data, index, jpegtables=None)[0]
            if part is None:
                raise ValueError("empty strip")
            parts.append(part[0, :, :, 0])
        lines = min(self._band_lines, self.height - number * self._band_lines)
        band = parts[0] if across == 1 else np.concatenate(parts, axis=1)  # (lines, W or more)
        band = band[:lines, : self.width]  # tiles reach beyond the image
        if band.shape != (lines, self.width):
            raise ValueError("short strip")
        self._band, self._band_number = band, number
        return self._band

    def _bytes(self, offset: int, count: int) -> bytes:
        # positioned reads: no state shared between threads, and no mapped pages counted as memory
        data = os.pread(self._page.parent.filehandle.fileno(), count, offset)
        if len(data) != count:
            raise ValueError("file ends early")
        return data


class PairReader(AbstractContextManager["PairReader", None]):
    """Both layers of one scan, as `LayerReader` each; InputError also if their sizes differ."""

    def __init__(self, low: str | Path, high: str | Path) -> None:
        low, high = Path(low), Path(high)
        with ExitStack() as opened:
            self.low, self.high = (opened.enter_context(LayerReader(path)) for path in (low, high))
            self.height, self.width = self.low.height, self.low.width
            check_same_size({low: (self.height, self.width), high: (self.high.height, self.high.width)})
            self._open = opened.pop_all()

    def ahead(self, lines: int) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
        """Yield both layers' counts (n, W), `lines` at a time; the next are decoded while these are worked on."""
        with ThreadPoolExecutor(2) as pool:  # decoding needs no interpreter lock

            def ask(start: int) -> list[Future[NDArray[np.uint16]]]:
                return [pool.submit(layer.read, start, start + lines) for layer in (self.low, self.high)]

            coming = ask(0)
            for start in range(0, self.height, lines):
                low, high = (future.result() for future in coming)  # (n, W) each
                coming = ask(start + lines)  # past the end it reads nothing
                yield low, high

    def __exit__(self, *_: object) -> None:
        self._open.close()
