"""What libraries warn of while a run trains, and a user needs not know."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_EXPECTED = (
    r".*treespec, LeafSpec.*",  # lightning 2.6 calls a pytree helper that torch 2.15 deprecates
    r"The '\w+' does not have many workers",  # pairs come out of memory: workers would only copy them
    r"Checkpoint directory .* exists and is not empty",  # so it is when a run goes on
    r"Found \d+ module\(s\) in eval mode",  # so are those that are frozen
    r"This instance was constructed with capturable=True",  # so it is before its steps are captured
    r"The number of training batches",  # figures are logged by epoch, not by step
)
"""Warnings of Lightning that say nothing to a user of this package."""


@contextmanager
def expected_warnings() -> Iterator[None]:
    """Leave them out while the block runs."""
    with warnings.catch_warnings():
        for message in _EXPECTED:
            warnings.filterwarnings("ignore", message=message)
        yield
