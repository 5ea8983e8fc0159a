"""Many strips of a TIFF in one call of libtiff, without the interpreter's lock: twice as fast as one by one."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

_LZW = 5  # others bear checksums, which libtiff does not look at


@dataclass(frozen=True)
class Strips:
    """What the strips of a page have in common, and where in the file they lie."""

    order: str  # of bytes: < or >
    width: int
    rows: int  # lines of each strip but the last
    tags: tuple[tuple[int, int], ...]  # number and value of those that say how a strip is to be read
    offsets: NDArray[np.int64]  # (strips,), bytes
    counts: NDArray[np.int64]

    def decode(self, first: int, last: int, read: Callable[[int, int], bytes], out: NDArray[np.number]) -> None:
        """Decode strips `first` to `last` into whole lines `out` (lines, width); `read` takes a place and a length.

        Raises whatever imagecodecs does where a strip is damaged or too short.
        """
        offsets, counts = self.offsets[first:last], self.counts[first:last]
        begin, end = int(offsets.min()), int((offsets + counts).max())
        if end - begin <= 2 * int(counts.sum()):  # near each other, as usual: one read for all
            data, starts = read(begin, end - begin), offsets - begin
        else:
            parts = map(read, offsets.tolist(), counts.tolist())
            data, starts = b"".join(parts), np.cumsum(counts) - counts
        # a TIFF of these strips alone: header, one directory, strips' places and lengths, strips
        tags = {256: self.width, 257: len(out), 278: self.rows, **dict(self.tags)}
        head = 8 + 2 + 12 * (len(tags) + 2) + 4
        arrays = {273: starts + head + 8 * len(starts), 279: counts}  # StripOffsets, StripByteCounts
        entries = {tag: (1, value) for tag, value in tags.items()}
        for place, (tag, values) in enumerate(arrays.items()):
            # a single number stands in the directory itself
            own = int(values[0]) if len(values) == 1 else head + 4 * len(starts) * place
            entries[tag] = (len(values), own)
        directory = b"".join(struct.pack(f"{self.order}HHII", tag, 4, *entries[tag]) for tag in sorted(entries))
        imagecodecs.tiff_decode(
            b"".join(
                (
                    struct.pack(f"{self.order}2sHI", b"II" if self.order == "<" else b"MM", 42, 8),
                    struct.pack(f"{self.order}H", len(entries)) + directory + bytes(4),
                    *(values.astype(f"{self.order}u4").tobytes() for values in arrays.values()),
                    data,
                )
            ),
            out=out,
        )


def strips_of(page: tifffile.TiffPage) -> Strips | None:
    """Return the strips of a page of 16-bit pixels compressed by LZW, as the paper's sorter writes; None of others."""
    usual = page.compression == _LZW and page.fillorder == 1 and not page.is_tiled
    if not usual or page.dtype is None or page.dtype.itemsize != 2:
        return None
    # BitsPerSample, Compression, Photometric, SamplesPerPixel, Predictor, SampleFormat
    tags = {258: 16, 259: _LZW, 262: 1, 277: 1}
    tags |= {317: int(page.predictor)} if page.predictor != 1 else {}
    tags |= {339: 2 if page.dtype.kind == "i" else 1}
    places = (np.array(values, np.int64) for values in (page.dataoffsets, page.databytecounts))
    return Strips(page.parent.byteorder, page.imagewidth, page.rowsperstrip, tuple(tags.items()), *places)
