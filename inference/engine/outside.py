"""Whether a `model.onnx` has weights outside of its bytes, told from the bytes themselves.

Reads protobuf's wire format as far as tensors go, and no more: nothing is opened or evaluated."""

from collections.abc import Iterator, Mapping

TENSOR = "TensorProto"
# external_data and data_location, of a tensor in onnx.proto.
ELSEWHERE = (13, 14)
# Of each message of onnx.proto that may hold a tensor, the fields that do; others are passed over.
HOLDERS: Mapping[str, Mapping[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "GraphProto": {1: "NodeProto", 5: TENSOR, 15: "SparseTensorProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: TENSOR,
        6: "GraphProto",
        10: TENSOR,
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: TENSOR, 2: TENSOR},
}
VARINT, BYTES = 0, 2
FIXED = {1: 8, 5: 4}
LONGEST_VARINT = 10
# As deep as protobuf itself follows messages within messages.
DEEPEST = 100
# Those that ship have a few hundred; a second is spent on the most.
MOST_FIELDS = 500_000


class Malformed(ValueError):
    """The bytes are those of no message."""


def has_outside(onnx: bytes) -> bool:
    """Say whether any tensor, in whatever graph, has its values elsewhere."""
    # From the outermost message to the one that is read: no more of them are held than are nested.
    open_ones, seen = [("ModelProto", _fields(memoryview(onnx)))], 0
    while open_ones:
        message, fields = open_ones[-1]
        number, value = next(fields, (0, 0))
        if not number:
            open_ones.pop()
            continue
        seen += 1
        if seen > MOST_FIELDS:
            raise Malformed("more fields than any network of ours has")
        # Location 0 is the tensor itself, said in so many words.
        if message == TENSOR and number in ELSEWHERE and value != 0:
            return True
        held = HOLDERS.get(message, {}).get(number)
        if held and isinstance(value, memoryview):
            if len(open_ones) > DEEPEST:
                raise Malformed("messages within messages without end")
            open_ones.append((held, _fields(value)))
    return False


def _fields(raw: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field; what protobuf might read in another way is refused."""
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, kind = tag >> 3, tag & 7
        # It cuts a longer tag to 32 bits.
        if number == 0 or tag >> 32:
            raise Malformed("a field of no number")
        if kind == VARINT:
            value, at = _varint(raw, at)
            yield number, value
            continue
        # Groups, which are left, the format has none of.
        if kind == BYTES:
            length, at = _varint(raw, at)
        elif (length := FIXED.get(kind, 0)) == 0:
            raise Malformed("a field of no kind")
        if length > len(raw) - at:
            raise Malformed("a field beyond the end of its message")
        yield number, raw[at : at + length]
        at += length


def _varint(raw: memoryview, at: int) -> tuple[int, int]:
    """The number that begins there, and where it has ended."""
    value = 0
    for place, byte in enumerate(raw[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80 and not value >> 64:
            return value, at + place + 1
    raise Malformed("a number without an end")
