"""The one loader of files of weights, which may be a stranger's, or damaged."""

import zipfile
from pathlib import Path
from typing import Any

import torch

from oresort.errors import InputError, of_the_disk
from oresort.files.reading import check_file

MOST_BYTES = 2**33
"""Bytes of a file that are read, 8 GiB: the largest model that is built here, with its optimiser's state."""


def load_safely(file: Path, wrong: str, mend: str, map_location: Any = "cpu") -> Any:
    """Return what a file of weights holds; it can bring tensors and plain values, and call nothing.

    The archive's checksums are compared first: torch does not, and one bit of a weight would make another model.

    Raises:
        InputError: no regular file, one of more than `MOST_BYTES`, one that cannot be read now, or that is damaged,
            packed, or of anything else, which `wrong` says; `mend` is the mend.
    """
    check_file(file, MOST_BYTES, mend)
    try:
        with file.open("rb") as stream:
            archive = stream.read(2) == b"PK"
        if archive:
            with zipfile.ZipFile(file) as parts:
                # torch stores; what is packed may unpack to any size
                if any(part.compress_type != zipfile.ZIP_STORED for part in parts.infolist()) or parts.testzip():
                    raise ValueError("packed or damaged")
        return torch.load(file, map_location=map_location, weights_only=True)
    except Exception as error:  # on damaged bytes it raises nearly anything
        # a whole file that cannot be read here and now must not be called damaged, for its mend may be to remove it
        if isinstance(error, OSError) and of_the_disk(error):
            raise InputError(f"{file}: {error.strerror}; see to its permissions, or to the disk") from error
        if isinstance(error, MemoryError):
            raise InputError(f"{file}: does not fit into memory; load it where there is more") from error
        raise InputError(f"{file}: {wrong}; {mend}") from error
