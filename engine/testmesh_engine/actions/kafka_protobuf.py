"""Protobuf data by the .proto text that a registry has of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testmesh_engine.actions.kafka_formats import UnreadableError
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

if TYPE_CHECKING:
    from testmesh_engine.actions.kafka_client import Bounds
    from testmesh_engine.actions.kafka_schemas import Schema

_MAIN = "message.proto"
_INSTALL = "Install it with: pip install 'testmesh[schema-registry]'"


class ProtobufCodec:
    """Reads and writes one message of a file: ``indexes`` lead to it, from one message into the next inside of it."""

    def __init__(self, schema: Schema, indexes: tuple[int, ...], bounds: Bounds) -> None:
        try:
            from google.protobuf import message_factory  # noqa: PLC0415 - only flows with Protobuf pay for it

            from testmesh_engine.actions.grpc_schema import pool_of  # noqa: PLC0415 - the same
        except ModuleNotFoundError as error:
            raise UsageError("format: protobuf needs protobuf", hint=_INSTALL) from error
        self._number = schema.id
        files = _files(schema, bounds)
        self._pool = pool_of(files)
        found: Any = self._pool.FindFileByName(_MAIN)
        listed = [message.name for message in next(file for file in files if file.name == _MAIN).message_type]
        try:
            descriptor = found.message_types_by_name[listed[indexes[0]]]
            for index in indexes[1:]:
                descriptor = descriptor.nested_types[index]
        except IndexError as error:
            raise UnreadableError(f"schema {schema.id} has no message {list(indexes)}") from error
        self._kind = message_factory.GetMessageClass(descriptor)

    def decoded(self, data: bytes) -> Value:
        """What ``data`` says, its fields by the names that the .proto text gives them."""
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - loaded already

        from testmesh_engine.actions.grpc_values import value_of  # noqa: PLC0415 - only flows with Protobuf pay for it

        try:
            return value_of(self._kind.FromString(data), self._pool)
        except DecodeError as error:
            raise UnreadableError(f"the data does not fit schema {self._number} ({error})") from error

    def encoded(self, value: Value) -> bytes:
        """``value`` in bytes. Raises ``UsageError`` for what does not fit."""
        from testmesh_engine.actions.grpc_values import message_of  # noqa: PLC0415 - only flows with Protobuf pay

        try:
            return bytes(message_of(value, self._kind, self._pool).SerializeToString())
        except UsageError as error:
            said = error.message.removeprefix("request ")
            raise UsageError(f"value of Protobuf schema {self._number}: {said}", hint=error.hint) from error


def _files(schema: Schema, bounds: Bounds) -> list[Any]:
    """The descriptors of the file and of all that it imports."""
    from google.protobuf import descriptor_pb2  # noqa: PLC0415 - only flows with Protobuf pay for it

    from testmesh_engine.actions.grpc_proto import descriptor_set  # noqa: PLC0415 - the same

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, text in (*schema.references, (_MAIN, schema.text)):
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                raise UnreadableError(f"schema {schema.id} imports {name}, a path that leads elsewhere")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sets = descriptor_set([str(folder / _MAIN)], folder, deadline=bounds.deadline, interrupt=bounds.interrupt)
    return [file for data in sets for file in descriptor_pb2.FileDescriptorSet.FromString(data).file]


def split_indexes(data: bytes) -> tuple[tuple[int, ...], bytes]:
    """Which message of the file it is, and its data: numbers in zigzag varints, of which the first is how many.

    A single zero stands for the first message. Raises :class:`UnreadableError`.
    """
    count, at = _varint(data, 0)
    if count == 0:
        return (0,), data[at:]
    indexes = []
    for _ in range(count):
        index, at = _varint(data, at)
        indexes.append(index)
    return tuple(indexes), data[at:]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in zigzag from ``at`` on, and where it ends."""
    number = shift = 0
    while True:
        if at >= len(data) or shift > 28:
            raise UnreadableError("the numbers that say which message it is have no end")
        number |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return (number >> 1) ^ -(number & 1), at
