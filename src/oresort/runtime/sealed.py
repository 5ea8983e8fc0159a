"""The bytes of an exported model: whole, as they were written, and nothing read from beside them.

An ONNX file is a protobuf message: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto has the numbers of fields.
Its last entry of metadata is the SHA-256 of all before it, so that a bit that fell over is no other model.
"""

import hashlib
import struct
from collections.abc import Iterator

_KEY = b"oresort_sha256"
_HEAD = b"\x0a" + bytes([len(_KEY)]) + _KEY + b"\x12\x40"  # StringStringEntryProto: key = 1, value = 2 of 64 letters
_HEAD = b"\x72" + bytes([len(_HEAD) + 64]) + _HEAD  # ModelProto.metadata_props = 14
_TAIL = len(_HEAD) + 64

_DEEPEST = 16  # graphs within graphs
_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _TENSOR, _SPARSE, _FUNCTION = range(7)
_INSIDE = {  # by kind of message, the fields that may hold a tensor, and of what kind they are
    _MODEL: {7: _GRAPH, 25: _FUNCTION},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _FUNCTION: {7: _NODE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
}
_ELSEWHERE = {13, 14}  # TensorProto.external_data, data_location


def seal(model: bytes) -> bytes:
    """Return a serialised model with its checksum behind it, still an ONNX file."""
    return model + _HEAD + hashlib.sha256(model).hexdigest().encode()


def unsealed(data: bytes) -> bytes:
    """Return the model that was sealed.

    Raises:
        ValueError: no checksum, another one, or a tensor whose values lie in a file beside; says which.
    """
    model, tail = data[:-_TAIL], data[-_TAIL:]
    if tail[: len(_HEAD)] != _HEAD:
        raise ValueError("not exported by this program, cut short, or changed since")
    if tail[len(_HEAD) :] != hashlib.sha256(model).hexdigest().encode():
        raise ValueError("damaged or changed since it was exported")
    if _points_elsewhere(model, _MODEL, 0):
        raise ValueError("takes values from another file")
    return model


def scalar_in(model: bytes, name: str) -> float | None:
    """Return the float32 number that stands in a model's graph by a name, None if there is none."""
    for number, graph in _fields(memoryview(model)):
        for inner, tensor in _fields(graph) if number == 7 and not isinstance(graph, int) else ():
            if inner != 5 or isinstance(tensor, int):
                continue
            found = dict(_fields(tensor))  # TensorProto: name = 8, raw_data = 9
            called, raw = found.get(8, b""), found.get(9, b"")
            if not isinstance(called, int) and not isinstance(raw, int) and called == name.encode() and len(raw) == 4:
                return float(struct.unpack("<f", raw)[0])
    return None


def _points_elsewhere(message: bytes | memoryview, kind: int, depth: int) -> bool:
    if depth > 4 * _DEEPEST:
        raise ValueError("nested too deeply")
    for number, value in _fields(memoryview(message)):
        if kind == _TENSOR:
            if number in _ELSEWHERE and value != 0:
                return True
        elif number in _INSIDE[kind]:
            if isinstance(value, int):
                raise ValueError("not an ONNX file")
            if _points_elsewhere(value, _INSIDE[kind][number], depth + 1):
                return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field: whole numbers, or the bytes of all else."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire, value = key & 7, 0
        if wire == 0:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        if wire == 2:
            size, place = _varint(message, place)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("not an ONNX file")
        if place + size > len(message):
            raise ValueError("not an ONNX file")
        yield key >> 3, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        value, place = value | (byte & 0x7F) << shift, place + 1
        if byte < 0x80:
            return value, place
    raise ValueError("not an ONNX file")
