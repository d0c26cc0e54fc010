"""Headers for mail providers: which stream a mail is of, and how its reader stops the stream."""

import re
from dataclasses import dataclass
from typing import Final

from notifier.model.correspondence import Correspondence
from notifier.model.notice import Notice
from notifier.rendering.errors import WriteError

_WORD: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_URL: Final = re.compile(r"https://[!-;=?-~]+")  # graphic ASCII without angle brackets
_LINE: Final = 78  # RFC 5322 2.1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What the mails of a house say of themselves. The default says nothing."""

    sender_id: str = ""  # 5 to 15 characters that name the house; empty: no Feedback-ID
    unsubscribe_domain: str = ""  # takes mail to unsubscribe+TOKEN@…; empty: none
    unsubscribe_url: str = ""  # https; the token is put behind it; empty: none
    token_header: str = ""  # a header by which a provider names the mail to us; empty: none

    def lines(self, c: Correspondence, notice: Notice, token: str) -> tuple[str, ...]:
        """Complete header lines, ASCII; a line is broken only where it may be.

        A notice that its reader must get offers no way to stop it. Raises :class:`WriteError`.
        """
        lines = self._feedback(c) if self.sender_id else []
        if self.token_header:
            lines.append(_line(self.token_header, token))
        if notice.unsubscribe:
            lines += self._unsubscribe(token)
        return tuple(lines)

    def _feedback(self, c: Correspondence) -> list[str]:
        """By this providers group complaints: never by anything that is about one reader."""
        parts = (c.notice, c.step, c.scheme or "house", self.sender_id)
        if not all(_WORD.fullmatch(part) for part in parts):
            raise WriteError("feedback_id", "holds what no such header can carry")
        return [_line("Feedback-ID", ":".join(parts))]

    def _unsubscribe(self, token: str) -> list[str]:
        """RFC 2369 3.2; one click (RFC 8058) needs a page, so it is offered only with one."""
        if not _WORD.fullmatch(token):
            raise WriteError("token", "holds what no address can carry")
        places = []
        if self.unsubscribe_domain:
            address = _checked(_DOMAIN, "unsubscribe_domain", self.unsubscribe_domain)
            places.append(f"<mailto:unsubscribe+{token}@{address}>")
        if self.unsubscribe_url:
            page = _checked(_URL, "unsubscribe_url", self.unsubscribe_url)
            places.append(f"<{page}{token}>")
        lines = [_line("List-Unsubscribe", ",\r\n ".join(places))] if places else []
        if self.unsubscribe_url:
            lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
        return lines


#: Says nothing.
SILENT: Final = Stream()


def _line(name: str, value: str) -> str:
    """A header; its value on a line of its own where both do not fit on one."""
    first = value.partition("\r\n")[0]
    fold = "\r\n" if len(name) + 2 + len(first) > _LINE else ""
    return f"{name}:{fold} {value}"


def _checked(form: re.Pattern[str], field: str, value: str) -> str:
    if not form.fullmatch(value):
        raise WriteError(field, "holds what no header can carry")
    return value
