"""Replies of SMTP within texts: code, enhanced code, the command that they answer."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

CODE: Final = re.compile(r"(?<![\w.:/#@-])#?([245][0-5]\d|5[67]\d)(?=[ \-]\S|[:;,)\]]|$| ?#)")
ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)")
#: A line that quotes a reply.
QUOTED: Final = re.compile(
    r"^\s*(?:<<<|>>>|smtp;|(?:Sent|Received) (?:<<<|>>>)|#|\S+ said:|Remote host said:|\(reason:)?"
    r"\s*[45]\d\d[ -]",
    re.IGNORECASE,
)
#: Words by which a server says which command it answered, in lower case.
_COMMANDS: Final = (
    ("DATA", (
        "end of data", "after data", "after sending data", "after end of", "sending data",
        "after dot", "(state 15)", "(state 16)", "(state 17)", "(state 18)", "data phase",
        "reply to data", "data command", "following data", "after i sent the message",
        "for text command",
    )),
    ("RCPT", (
        "rcpt to", "rcpt command", "after rcpt", "recipient phase", "does not like recipient",
        "rejected recipient", "(state 13)", "(state 14)", "at rcpt",
    )),
    ("MAIL", (
        "mail from", "to mail command", "after mail", "does not like sender", "following mail",
        "but sender was rejected",
    )),
    ("CONN", (
        "initial server greeting", "initial connection", "refused to talk to me", "helo command",
        "ehlo command", "while connected", "to helo", "to ehlo", "after initial", "after ehlo",
        "after helo", "greeting", "my name was rejected",
    )),
)  # fmt: skip
_SENT: Final = re.compile(
    r"^\s*(?:>>>|Sent >>>|Sent <<<|-*SMTP command\s*\n\s*|SMTP>>)\s*"
    r"(RCPT|DATA|MAIL|HELO|EHLO|STARTTLS|QUIT|BDAT|\.)",
    re.IGNORECASE | re.MULTILINE,
)
#: With pipelining a refusal of the only recipient is read after DATA was sent.
_NO_RECIPIENT: Final = re.compile(
    r"\b(?:503|554|451)\b[^\n]{0,30}"
    r"(?:need rcpt|valid recipient|no recipient|rcpt first|rcpt command|bad sequence)",
    re.IGNORECASE,
)


def code_of(text: str) -> int | None:
    """The first reply code of a refusal in a text."""
    found = CODE.search(text)
    while found and found[1][0] == "2":
        found = CODE.search(text, found.end())
    return int(found[1]) if found else None


def enhanced_of(text: str) -> str | None:
    """The first enhanced code in a text, one that says something before one that does not."""
    codes = [one for one in ENHANCED.findall(text[:4_000]) if one[0] != "2"]
    return next((one for one in codes if not one.endswith(".0.0")), codes[0] if codes else None)


def enhanced_or_success(text: str) -> str | None:
    """The first enhanced code of any class."""
    found = ENHANCED.search(text)
    return found[1] if found else None


def command_of(text: str, notice: str = "") -> str:
    """The command that a reply answers: CONN, MAIL, RCPT, DATA, or nothing if nothing tells.

    ``notice`` is what stands around it, as far as it is about this reply.
    """
    if found := _said(text):
        return found
    sent = _SENT.findall(notice) if ">>" in notice or "<<" in notice or "-SMTP" in notice else []
    if not sent:
        return _said(notice[:4_000])
    last = next((one.upper() for one in reversed(sent) if one.upper() != "QUIT"), "")
    if last in {"DATA", "BDAT", "."} and _NO_RECIPIENT.search(notice):
        return "RCPT"
    return {"HELO": "CONN", "EHLO": "CONN", ".": "DATA", "BDAT": "DATA"}.get(last, last)


def _said(text: str) -> str:
    lower = text.lower()
    return next((name for name, words in _COMMANDS if any(one in lower for one in words)), "")


def about(lines: Sequence[str], address: str) -> str:
    """Lines that quote a reply and name an address."""
    wanted = address.lower()
    return " ".join(
        _joined(lines, at)
        for at, line in enumerate(lines)
        if "@" in line and wanted in line.lower() and CODE.search(line)
    )[:2_000]


def _joined(lines: Sequence[str], at: int) -> str:
    """A line with those that continue the same reply."""
    found = [lines[at].strip()]
    for line in lines[at + 1 : at + 6]:
        if not line.strip() or "@" in line or line.lstrip()[:3] in {">>>", "<<<"}:
            break
        found.append(line.strip())
    return " ".join(found)


def quoted(lines: Iterable[str]) -> str:
    """All lines that quote a reply."""
    return " ".join(line.strip() for line in lines if QUOTED.match(line))[:2_000]
