"""Read a scan a few lines at a time, so that its length does not matter."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
import tifffile
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.image import MAX_PIXELS, check_page, quiet, read_image, whole_or_refused


class LayerReader:
    """One detector layer, read by ranges of lines; a context manager that holds the file open.

    A TIFF is decoded strip by strip (or by rows of tiles): its memory is one strip, which scanners make one
    line. A PNG, which has no parts that could be decoded alone, and a TIFF whose one compressed strip holds
    all lines are decoded whole.

    Args:
        path: single-channel uint16 `.tif`, `.tiff` or `.png`.

    Raises:
        InputError: as `read_image`; damage inside a strip shows when that strip is read.
    """

    path: Path
    height: int
    """Lines."""
    width: int
    """Columns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._image: NDArray[np.uint16] | None = None
        self._tiff: tifffile.TiffFile | None = None
        if path.suffix.lower() not in {".tif", ".tiff"} or not path.is_file():
            self._image = read_image(path)
            self.height, self.width = self._image.shape
            return
        self._band = np.empty((0, 0), np.uint16)
        self._band_number = -1
        with whole_or_refused(path, "TIFF"), quiet():
            self._tiff = tifffile.TiffFile(path, _multifile=False)
            try:
                page = check_page(path, self._tiff, path.stat().st_size)
            except BaseException:
                self._tiff.close()
                raise
        self._page = page
        self.height, self.width = page.imagelength, page.imagewidth
        self._raw = page.is_contiguous and page.compression == 1
        self._band_lines = min(page.tilelength if page.is_tiled else page.rowsperstrip, self.height)
        if not self._raw and self._band_lines * self.width > MAX_PIXELS:
            self._tiff.close()
            raise InputError(
                f"{path}: one compressed strip of {self._band_lines:,} lines; export it with fewer rows per strip"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._tiff is not None:
            self._tiff.close()

    def read(self, start: int, stop: int) -> NDArray[np.uint16]:
        """Return lines `start` to `stop` (clipped to the scan) as counts (lines, width), uint16.

        Raises:
            InputError: these lines cannot be decoded.
        """
        start, stop = max(start, 0), min(stop, self.height)
        if self._image is not None:
            return self._image[start:stop]
        lines = np.empty((max(stop - start, 0), self.width), np.uint16)
        with whole_or_refused(self.path, "TIFF"), quiet():
            if self._raw:
                first = self._page.dataoffsets[0] + start * self.width * 2
                data = self._bytes(first, lines.nbytes)
                lines[...] = np.frombuffer(data, self._page.parent.byteorder + "u2").reshape(lines.shape)
                return lines
            row = start
            while row < stop:
                number, within = divmod(row, self._band_lines)
                band = self._decode(number)[within : within + stop - row]
                lines[row - start : row - start + len(band)] = band
                row += len(band)
        return lines

    def _decode(self, number: int) -> NDArray[np.uint16]:
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
        band = parts[0] if across == 1 else np.concatenate(parts, axis=1)
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


class PairReader:
    """Both layers of one scan, read by ranges of lines; a context manager.

    Raises:
        InputError: as `LayerReader` for either file, or the layers' sizes differ.
    """

    def __init__(self, low: Path, high: Path) -> None:
        self.low = LayerReader(low)
        try:
            self.high = LayerReader(high)
        except BaseException:
            self.low.__exit__()
            raise
        self.height, self.width = self.low.height, self.low.width
        if (self.height, self.width) != (self.high.height, self.high.width):
            self.__exit__()
            raise InputError(
                f"{low} is {self.width} x {self.height} but {high} is {self.high.width} x {self.high.height} "
                "(width x height); give two layers of the same scan"
            )

    def ahead(self, lines: int) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
        """Yield both layers' counts (n, W), `lines` at a time; the next are decoded while these are worked on.

        Raises:
            InputError: lines that cannot be decoded.
        """
        with ThreadPoolExecutor(2) as pool:  # decoding needs no interpreter lock

            def ask(start: int) -> list[Future[NDArray[np.uint16]]]:
                return [pool.submit(layer.read, start, start + lines) for layer in (self.low, self.high)]

            coming = ask(0)
            for start in range(0, self.height, lines):
                low, high = (future.result() for future in coming)  # (n, W) each
                coming = ask(start + lines)
                yield low, high

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.low.__exit__()
        self.high.__exit__()
