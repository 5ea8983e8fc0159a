"""Finds what makes the host wait for the device, or needs its answer: neither can be part of a CUDA graph."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_WAITS = {"_local_scalar_dense", "item", "is_nonzero", "equal", "allclose"}  # the host needs a value
_MADE = {"lift_fresh"}  # by torch.tensor, of numbers on the host
_SHAPES = {"nonzero", "masked_select", "unique", "_unique", "_unique2", "unique_dim", "unique_consecutive"}
_INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
_COPIES = {"_to_copy", "copy_", "_copy_from", "_copy_from_and_resize"}


class Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operations within the block that wait for the device; `found` names them.

    Those are values that the host reads, shapes that depend on values (by a mask, too), tensors that leave or reach
    the device, and tensors that are made of the host's numbers. Where all is on a CPU, a move cannot be seen.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: dict[str, None] = {}  # by name, in order

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation; note it if it waits."""
        name = func.name().split("::")[-1].split(".")[0].removesuffix("_static")
        result = func(*args, **(kwargs or {}))
        masked = name in _INDEXED and any(
            isinstance(index, torch.Tensor) and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        counted = name == "repeat_interleave" and (kwargs or {}).get("output_size") is None
        if name in _WAITS | _SHAPES | _MADE or masked or counted or _moved(name, args, result):
            self.found[f"{func.name()}{' by a mask' if masked else ''}"] = None
        return result


def _moved(name: str, args: Sequence[Any], result: Any) -> bool:
    """Tell whether an operation has taken a tensor from one device to another."""
    tensors = [one for one in (*args, result) if isinstance(one, torch.Tensor)]
    kinds = {one.device.type for one in tensors}
    # a number on the host may meet tensors of the device: kernels take it as an argument
    left = isinstance(result, torch.Tensor) and result.device.type == "cpu"
    return len(kinds) > 1 and (name in _COPIES or left)
