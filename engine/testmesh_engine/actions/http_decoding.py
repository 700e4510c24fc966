"""From the bytes of a body as they were sent to the bytes that were meant: bounded, and checked to be whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from testmesh_engine.actions.http_message import GarbledError

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Of one body, decoded: far above what a test reads, far below what a pod may use."""

OFFERED = "gzip, deflate"
"""What requests say of themselves (``Accept-Encoding``)."""


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def decoded(chunks: Iterable[bytes], encodings: list[str]) -> Iterator[bytes]:
    """``chunks`` without the encodings that ``Content-Encoding`` names, the last one first.

    Raises ``GarbledError`` for data that is damaged or cut off, for an encoding that was not offered, and where the
    whole is larger than ``MAX_BODY_BYTES``: before it fills the memory.
    """
    stages: Iterator[bytes] = iter(chunks)
    for encoding in reversed(encodings):
        match encoding:
            case "gzip" | "x-gzip":
                stages = _inflated(stages, "gzip")
            case "deflate":
                stages = _inflated(stages, "deflate")
            case _:
                raise GarbledError(
                    f'the body is encoded as "{encoding[:40]}", which is not read',
                    f"Requests offer {OFFERED}; a service that sends another ignores that, or the step asks for it.",
                )
    return _bounded(stages)


def _bounded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_BODY_BYTES:
            raise GarbledError(f"the body is larger than {MAX_BODY_BYTES >> 20} MiB")
        yield chunk


def _inflated(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    inflater: _Inflater | None = None
    for chunk in chunks:
        data = chunk
        while data:
            if inflater is None or inflater.eof:
                # gzip may be several in a row (RFC 1952, 2.2).
                inflater = _inflater(encoding, data)
            try:
                yield inflater.decompress(data, 1 << 20)
            except zlib.error as error:
                raise GarbledError(f"the body says that it is {encoding}, and is not: {error}") from error
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    if inflater is not None and not inflater.eof:
        raise GarbledError(f"the body's {encoding} is cut off before its end")


def _inflater(encoding: str, data: bytes) -> _Inflater:
    if encoding == "gzip":
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    # "deflate" means zlib's format (RFC 9110, 8.4.1.2); some servers send the bare data.
    has_header = data[0] & 0x0F == 8 and (len(data) < 2 or int.from_bytes(data[:2], "big") % 31 == 0)
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
