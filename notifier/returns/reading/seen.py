"""What the steps of reading share about one mail."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from . import addresses, bounds
from .headers import Headers
from .mime import Mail, split
from .notice import Notice, find
from .words import even

#: Headers in which a server writes for whom it took a mail.
ENVELOPE: Final = (
    "to",
    "delivered-to",
    "x-original-to",
    "x-envelope-to",
    "envelope-to",
    "x-rcpt-to",
    "x-forwarded-to",
)
_WRITTEN_TO: Final = ("to", "cc", "x-original-to", "delivered-to", "apparently-to", "x-envelope-to")
_FROM: Final = (
    "from",
    "return-path",
    "sender",
    "reply-to",
    "errors-to",
    "x-envelope-from",
    "x-sender",
)


@dataclass(frozen=True)
class Seen:
    """One mail, cut into what its server wrote and what it returns."""

    mail: Mail
    notice: Notice

    @classmethod
    def of(cls, data: bytes) -> "Seen":
        """Look at the bytes of a mail."""
        mail = split(data)
        first = mail.leaves[0]
        if first.kind == "message/rfc822" and b"report" in first.body[: bounds.HEADER_BYTES]:
            mail = replace(split(first.content()), headers=mail.headers)
        return cls(mail, find(mail))

    @property
    def headers(self) -> Headers:
        """Of the mail that came."""
        return self.mail.headers

    @property
    def returned(self) -> Headers:
        """Of the mail that it returns; empty if it returns none."""
        return self.notice.returned

    @cached_property
    def subject(self) -> str:
        """In one line."""
        return self.headers.get("subject")[: bounds.SUBJECT]

    @cached_property
    def heading(self) -> str:
        """The subject in lower case, without ours where the report repeats it."""
        ours = self.returned.get("subject")
        own = self.subject.replace(ours, " ") if len(ours) > 3 else self.subject
        return own.lower()

    @cached_property
    def sender(self) -> str | None:
        """The address that wrote it."""
        return next(
            (
                one
                for value in self.headers.all("from", "sender", "reply-to")
                if (one := addresses.first(value))
            ),
            None,
        )

    @cached_property
    def lines(self) -> list[str]:
        """Of the notice."""
        return self.notice.text.split("\n")[: bounds.LINES]

    @cached_property
    def told(self) -> str:
        """The notice made even, for looking up words."""
        return even(self.notice.text, 8_000)

    @cached_property
    def written_to(self) -> list[str]:
        """Addresses that the returned mail was for."""
        names = ("x-failed-recipients", *_WRITTEN_TO) if self.returned else ()
        return addresses.every(self.returned.all(*names))

    @cached_property
    def apart(self) -> list[str]:
        """Addresses that are no recipients of ours: of us, and of who reports."""
        ours = addresses.every(self.returned.all(*_FROM))
        others = addresses.every(
            self.headers.all(
                "to", "delivered-to", "from", "reply-to", "return-path", "errors-to", "sender"
            )
        )
        kept = set(map(addresses.key, self.written_to))
        return [*ours, *(one for one in others if addresses.key(one) not in kept)]
