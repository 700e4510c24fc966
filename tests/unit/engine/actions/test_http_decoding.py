"""Bodies that are encoded: read in full, bounded, and never taken for whole when they are not."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.web import gzip_bomb
from testmesh_engine.actions.http_decoding import MAX_BODY_BYTES, decoded
from testmesh_engine.actions.http_message import GarbledError


def bare(data: bytes) -> bytes:
    """Deflate without zlib's header, as some servers send it."""
    maker = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return maker.compress(data) + maker.flush()


ENCODERS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "bare": bare}


@given(st.binary(max_size=3000), st.sampled_from(sorted(ENCODERS)), st.integers(1, 50))
def test_what_was_encoded_is_read_in_pieces_of_any_size(data: bytes, encoding: str, size: int) -> None:
    """A network cuts where it likes."""
    coded = ENCODERS[encoding](data)
    pieces = [coded[at : at + size] for at in range(0, len(coded), size)]
    assert data == b"".join(decoded(pieces, ["deflate" if encoding == "bare" else encoding]))


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["gzip", "deflate"]), st.data())
def test_what_is_cut_off_is_never_taken_for_whole(data: bytes, encoding: str, draw: st.DataObject) -> None:
    """Wherever it is cut, but for nothing at all."""
    coded = ENCODERS[encoding](data)
    cut = draw.draw(st.integers(1, len(coded) - 1))
    with pytest.raises(GarbledError, match=r"cut off|is not"):
        b"".join(decoded([coded[:cut]], [encoding]))


def test_several_encodings_are_undone_from_the_last() -> None:
    """``Content-Encoding: deflate, gzip`` was deflated first."""
    assert b"hello" == b"".join(decoded([gzip.compress(zlib.compress(b"hello"))], ["deflate", "gzip"]))


def test_several_members_of_gzip_are_one_body() -> None:
    """RFC 1952, 2.2."""
    assert b"hello" == b"".join(decoded([gzip.compress(b"hel") + gzip.compress(b"lo")], ["gzip"]))


def test_nothing_at_all_is_nothing() -> None:
    """An empty body may say that it is encoded."""
    assert b"" == b"".join(decoded([], ["gzip"]))


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    """A thousandfold of what was sent: no more than the bound is ever held."""
    bomb = gzip_bomb(200)
    tracemalloc.start()
    with pytest.raises(GarbledError, match="larger than 32 MiB"):
        deque(decoded([bomb], ["gzip"]), maxlen=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MAX_BODY_BYTES // 4
