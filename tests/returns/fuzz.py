"""Broken and hostile mails for the reader: ``python -m tests.returns.fuzz [COUNT [SEED]]``.

Random bytes, and samples that were cut, joined, repeated and overwritten. Nothing may raise, what
comes out keeps to its limits, and no mail takes long.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Final

from notifier.model.tracking import Reading
from notifier.returns.reading import bounds, read

_COUNT: Final = 100_000
#: What structure is made of, to be put where it does not belong.
PIECES: Final = (
    b"\n\n", b"\r", b"\n--b\n", b"\n--b--\n", b"Content-Type: multipart/mixed; boundary=b\n",
    b"Content-Type: message/delivery-status\n\n", b"Final-Recipient: rfc822; ", b"Action: failed\n",
    b"=?utf-8?b?", b"?=", b"\x1b$B", b"\xff\xfe", b"\x00", b"<", b">", b"@", b"@example.jp",
    b"550 5.1.1 ", b"charset=utf-7", b"charset=hex", b"charset=idna", b"charset=zip",
    b"charset=rot13", b"base64", b"\n \n", b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n", b">>> RCPT TO:<", b"(generated from ",
    b"Feedback-Type: abuse\n", b"\xe3\x81", b"+40", b'"',
)  # fmt: skip


def samples() -> list[bytes]:
    """Mails to start from."""
    folder = Path(__file__).parent
    return [one.read_bytes() for one in sorted(folder.glob("**/*.eml"))]


def mutated(chance: random.Random, known: list[bytes]) -> bytes:
    """A sample that something has happened to, a few times over."""
    data = bytearray(chance.choice(known))
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.randrange(1, 200))
        match chance.randrange(6):
            case 0:
                del data[at:to]
            case 1:
                data[at:at] = data[at:to] * chance.randrange(1, 20)
            case 2:
                data[at:at] = chance.choice(PIECES)
            case 3:
                data[at:to] = chance.randbytes(to - at)
            case 4:
                other = chance.choice(known)
                data[at:] = other[chance.randrange(len(other) + 1) :]
            case _:
                del data[at:]
    return bytes(data)


def inputs(count: int, seed: int) -> Iterator[bytes]:
    """Mutated samples, and every tenth nothing but noise and pieces."""
    chance, known = random.Random(seed), samples()
    for number in range(count):
        if number % 10:
            yield mutated(chance, known)
        else:
            noise = (chance.randbytes(chance.randrange(40)) for _ in range(20))
            yield b"".join(chance.choice(PIECES) + one for one in noise)


def check(reading: Reading) -> None:
    """A reading within its limits."""
    assert len(reading.findings) <= bounds.FINDINGS
    assert len(reading.text) <= bounds.TEXT
    assert len(reading.subject) <= bounds.SUBJECT
    for one in reading.findings:
        assert len(one.reply) <= bounds.REPLY
        assert "\n" not in (one.recipient or "")
        (one.recipient or "").encode()  # no half characters


def main(count: int = _COUNT, seed: int = 0) -> None:
    """Read ``count`` inputs; tell the slowest."""
    slowest = 0.0
    for number, data in enumerate(inputs(count, seed)):
        began = process_time()
        try:
            check(read(data))
        except BaseException:
            Path(f"fuzz-{seed}-{number}.eml").write_bytes(data)
            raise
        slowest = max(slowest, process_time() - began)
    sys.stdout.write(f"{count} inputs, the slowest {slowest * 1000:.0f} ms of processor time\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
