"""Whatever the bytes are: nothing is raised, and what is looked at is bounded."""

import base64
import encodings.aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.tracking import ReturnKind
from notifier.returns.reading import bounds, read
from tests.returns.fuzz import PIECES, check, inputs

_HEAD = b"From: MAILER-DAEMON@mx.example.jp\nSubject: failure notice\n"


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=60)), max_size=60))
def test_any_bytes(pieces: list[bytes]) -> None:
    check(read(b"".join(pieces)))


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_body_in_any_charset(body: bytes, charset: str) -> None:
    kind = f"Content-Type: text/plain; charset={charset}\n\n".encode("utf-8", "replace")
    check(read(_HEAD + kind + body))


@pytest.mark.parametrize("charset", sorted({*encodings.aliases.aliases, "idna", "undefined"}))
def test_every_codec_there_is(charset: str) -> None:
    kind = f"Content-Type: text/plain; charset={charset}\n\n".encode()
    for body in (b"x", b"\xe3\x81", b"\x1b$B\xff"):
        check(read(_HEAD + f"Subject: =?{charset}?b?44GC?=\n".encode() + kind + body))


def test_mutated_samples() -> None:
    for data in inputs(1_500, seed=7):
        check(read(data))


def test_ten_thousand_parts() -> None:
    parts = b"".join(b"--b\n\n<u%d@example.jp>:\nuser unknown\n" % n for n in range(10_000))
    reading = read(_HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + parts)
    assert reading.cut
    check(reading)


def test_a_thousand_levels() -> None:
    levels = b"".join(
        b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (n, n + 1) for n in range(1_000)
    )
    reading = read(_HEAD + b"Content-Type: multipart/mixed; boundary=b0\n\n" + levels)
    assert reading.cut
    check(reading)


def test_more_than_is_looked_at() -> None:
    late = b"Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: failed\n"
    reading = read(_HEAD + b"\n" + b"x" * bounds.BYTES + b"\n" + late)
    assert reading.cut
    assert [one.recipient for one in reading.findings] == [None]


def test_what_is_packed_stays_packed() -> None:
    bomb = base64.encodebytes(b"PK\x03\x04" + bytes(200_000))
    kind = b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
    assert read(b"From: rei@example.jp\nSubject: x\n" + kind + bomb).kind is ReturnKind.UNKNOWN


@pytest.mark.parametrize("piece", [b"@", b"<", b"a@", b" ", b"\n", b">", b"=?", b"550 ", b"a: b\n"])
def test_the_same_over_and_over(piece: bytes) -> None:
    check(read(_HEAD + b"\n" + piece * (bounds.BYTES // len(piece))))


def test_everybody_at_once() -> None:
    lines = b"".join(b"<u%d@example.jp>: 550 user unknown\n" % n for n in range(20_000))
    assert len(read(_HEAD + b"\n" + lines).findings) == bounds.FINDINGS
