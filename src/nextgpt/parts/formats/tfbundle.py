"""Read the numeric variables of a TensorFlow checkpoint bundle without TensorFlow.

A bundle is `<prefix>.index`, a table in LevelDB's format that maps a name to a BundleEntryProto, and
`<prefix>.data-00000-of-00001`, the tensors' bytes. Table: data blocks, an index block of (last key, handle),
and a footer of 48 bytes with the index block's handle and a magic number. A block is a list of entries whose
keys share a prefix with the key before, then restart offsets and their count; behind it one byte says how it
is compressed.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...errors import PartError

FOOTER_BYTES = 48
MAGIC = bytes.fromhex("57fb808b247547db")
# DataType of TensorFlow's types.proto; other types (strings, resources) are left out
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 6: "i1", 9: "<i8", 10: "?", 19: "<f2"}
# fields of BundleEntryProto and TensorShapeProto
ENTRY_DTYPE, ENTRY_SHAPE, ENTRY_SHARD, ENTRY_OFFSET, ENTRY_SIZE = 1, 2, 3, 4, 5
SHAPE_DIM, DIM_SIZE = 2, 1

Fields = dict[int, list[int | bytes]]


def read_bundle(prefix: Path) -> dict[str, np.ndarray]:
    """Every numeric variable by name; the arrays are read-only views of the data file's bytes.

    Raises:
        PartError: files missing, not a bundle, compressed, in several shards, or damaged.
    """
    try:
        index = prefix.with_name(prefix.name + ".index").read_bytes()
        data = prefix.with_name(prefix.name + ".data-00000-of-00001").read_bytes()
        entries = {key.decode(): _fields(value) for key, value in _table(index) if key}
        return {name: _array(name, entry, data) for name, entry in entries.items() if _dtype(entry)}
    except (OSError, IndexError, UnicodeDecodeError) as error:
        raise PartError(f"cannot read the TensorFlow bundle {prefix.name}: {error}.") from error


def _table(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    """All (key, value) of a table file, in order; the first has an empty key and describes the bundle."""
    footer = index[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or footer[-8:] != MAGIC:
        raise PartError("the file is not the index of a TensorFlow bundle.")
    position = _handle(footer, 0)[2]  # behind the handle of the meta index, which is not needed
    start, size, _ = _handle(footer, position)
    for _, value in _block(index, start, size):
        start, size, _ = _handle(value, 0)
        yield from _block(index, start, size)


def _handle(buffer: bytes, position: int) -> tuple[int, int, int]:
    """Start and size of a block, and the position behind the handle."""
    start, position = _varint(buffer, position)
    size, position = _varint(buffer, position)
    return start, size, position


def _block(buffer: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The (key, value) pairs of one block."""
    if buffer[start + size] != 0:
        raise PartError("the index of the TensorFlow bundle is compressed, which is not supported.")
    block = buffer[start : start + size]
    num_restarts = int.from_bytes(block[-4:], "little")
    end, position, key = size - 4 - 4 * num_restarts, 0, b""
    while position < end:
        shared, position = _varint(block, position)
        unshared, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        position += unshared + length
        yield key, block[position - length : position]


def _varint(buffer: bytes, position: int) -> tuple[int, int]:
    """A base-128 number, low digits first, and the position behind it."""
    value = shift = 0
    while True:
        byte = buffer[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


def _fields(message: bytes) -> Fields:
    """The fields of a protocol buffer message by number, each a list of numbers or bytes."""
    fields: Fields = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        value: int | bytes
        if tag & 7 == 0:
            value, position = _varint(message, position)
        else:
            length = {1: 8, 5: 4}.get(tag & 7)
            if length is None:
                length, position = _varint(message, position)
            value, position = message[position : position + length], position + length
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _number(fields: Fields, key: int) -> int:
    """A number field; absent means 0, as protocol buffers have it."""
    value = fields.get(key, [0])[0]
    return value if isinstance(value, int) else 0


def _message(value: int | bytes) -> Fields:
    return _fields(value if isinstance(value, bytes) else b"")


def _dtype(entry: Fields) -> str | None:
    return DTYPES.get(_number(entry, ENTRY_DTYPE))


def _array(name: str, entry: Fields, data: bytes) -> np.ndarray:
    """The tensor of one entry.

    Raises:
        PartError: it lies in another shard, or its bytes do not fit its shape.
    """
    shape_message = _message(entry.get(ENTRY_SHAPE, [b""])[0])
    shape = [_number(_message(dim), DIM_SIZE) for dim in shape_message.get(SHAPE_DIM, [])]
    start, size = _number(entry, ENTRY_OFFSET), _number(entry, ENTRY_SIZE)
    dtype = np.dtype(_dtype(entry))
    if _number(entry, ENTRY_SHARD) or math.prod(shape) * dtype.itemsize != size or start + size > len(data):
        raise PartError(f"the variable {name} of the TensorFlow bundle does not fit its data file.")
    return np.frombuffer(data, dtype, count=math.prod(shape), offset=start).reshape(shape)
