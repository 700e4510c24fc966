"""What a method takes and gives: asked of the server by reflection, or read from .proto files and descriptor sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import nearest

PATHS = ("/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/")
"""The same messages under both names: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md."""

Files = Iterable[descriptor_pb2.FileDescriptorProto]


class UnknownError(Exception):
    """There is no such service or method; ``str()`` says what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of a service, with the pool that knows all kinds of messages that it uses."""

    descriptor: MethodDescriptor
    pool: DescriptorPool

    @property
    def path(self) -> str:
        """As it is called: ``/shop.Orders/Get``."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def takes_several(self) -> bool:
        """Whether it takes a stream of messages."""
        return bool(self.descriptor.client_streaming)

    @property
    def gives_several(self) -> bool:
        """Whether it gives a stream of messages."""
        return bool(self.descriptor.server_streaming)

    @property
    def request(self) -> type[Message]:
        """The class of what it takes."""
        return message_factory.GetMessageClass(self.descriptor.input_type)

    def decoded(self, data: bytes) -> Message:
        """A message that it gave. Raises ``DecodeError``."""
        return message_factory.GetMessageClass(self.descriptor.output_type).FromString(data)


def pool_of(files: Files) -> DescriptorPool:
    """A pool with these files, each after those that it imports. Raises ``UsageError`` for files that don't fit."""
    waiting = {file.name: file for file in files}
    pool = DescriptorPool()
    try:
        while waiting:
            _add(pool, waiting, next(iter(waiting)))
    except (TypeError, KeyError) as error:
        raise UsageError(f"the descriptions of the service don't fit together: {error}") from error
    return pool


def _add(pool: DescriptorPool, waiting: dict[str, descriptor_pb2.FileDescriptorProto], name: str) -> None:
    file = waiting.pop(name)
    for imported in file.dependency:
        if imported in waiting:
            _add(pool, waiting, imported)
    pool.AddSerializedFile(file.SerializeToString())


def method_of(pool: DescriptorPool, service: str, method: str) -> Method:
    """The method of that name. Raises :class:`UnknownError`."""
    found: ServiceDescriptor = pool.FindServiceByName(service)
    descriptor = found.methods_by_name.get(method)
    if descriptor is None:
        names = [known.name for known in found.methods]
        raise UnknownError(f"{service} has no method {method}; {_listed(method, names)}")
    return Method(descriptor=descriptor, pool=pool)


def service_named(name: str, services: Sequence[str]) -> str:
    """The whole name of a service, which may be written without its package. Raises :class:`UnknownError`."""
    found = [service for service in services if service == name] or [
        service for service in services if service.rpartition(".")[2] == name
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownError(f"several services are called {name}: {', '.join(found)}")
    raise UnknownError(f"there is no service {name}; {_listed(name, services)}")


def _listed(name: str, names: Sequence[str]) -> str:
    meant = nearest(name, names)
    known = ", ".join(sorted(names)[:20]) or "none"
    return f'did you mean "{meant}"? There are: {known}' if meant else f"there are: {known}"


def services_in(files: Files) -> list[str]:
    """The whole names of the services that files declare."""
    return [f"{file.package}.{service.name}".lstrip(".") for file in files for service in file.service]


def read_set(data: bytes) -> list[descriptor_pb2.FileDescriptorProto]:
    """The files of a descriptor set. Raises ``UsageError``."""
    try:
        return list(descriptor_pb2.FileDescriptorSet.FromString(data).file)
    except DecodeError as error:
        raise UsageError(f"it holds no descriptor set: {error}") from error


class Reflection:
    """Asks a server what it serves; ``ask`` sends requests of reflection and gives the answers' bytes."""

    def __init__(self, ask: Callable[[Sequence[bytes]], Sequence[bytes]]) -> None:
        from grpc_reflection.v1alpha import reflection_pb2  # noqa: PLC0415 - only steps without proto pay

        self._messages: Any = reflection_pb2
        self._ask = ask

    def services(self) -> list[str]:
        """The whole names of its services."""
        (answer,) = self._answers([{"list_services": "*"}])
        return [service.name for service in answer.list_services_response.service]

    def files(self, service: str) -> list[descriptor_pb2.FileDescriptorProto]:
        """The file that declares ``service``, and all that it imports. Raises :class:`UnknownError`."""
        known: dict[str, descriptor_pb2.FileDescriptorProto] = {}
        asked = [{"file_containing_symbol": service}]
        seen: set[str] = set()
        while asked:
            for answer in self._answers(asked):
                for data in answer.file_descriptor_response.file_descriptor_proto:
                    file = descriptor_pb2.FileDescriptorProto.FromString(data)
                    known[file.name] = file
            needed = {name for file in known.values() for name in file.dependency} - known.keys() - seen
            seen |= needed
            asked = [{"file_by_filename": name} for name in sorted(needed)]
        return list(known.values())

    def _answers(self, asked: Sequence[dict[str, str]]) -> list[Any]:
        kind = self._messages.ServerReflectionRequest
        data = self._ask([kind(**one).SerializeToString() for one in asked])
        answers = [self._messages.ServerReflectionResponse.FromString(one) for one in data]
        for answer in answers:
            if answer.HasField("error_response"):
                raise UnknownError(answer.error_response.error_message)
        return answers
