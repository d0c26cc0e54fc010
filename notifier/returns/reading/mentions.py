"""Recipients in the text of a notice, and the words that stand by each.

An address is worth more the clearer its place: alone at the beginning of a line, after a label or
a command, after a word such as "recipient", anywhere.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from . import bounds
from .addresses import ADDRESS, first, key, tidy

_LINE: Final = 1_000  # characters of a line
_MARKS: Final = " \t<>()[]:;,."
_LITTLE: Final = 6  # characters: "and", "und", "oder"
_NEAR: Final = 25  # lines after an address that may be about it
#: Marks and numbers before an address that begins its line.
_LEADS: Final = re.compile(r"[\s>*•・|+#=\-<\[(\"'「『:]*(?:\d{1,3}[.)]\s+)?[<\[(\"'「]*")
_LABEL: Final = re.compile(
    r"[\s>*•・|<#-]*([^@\n]{0,80}?)\s*[:：=]\s*[<\[(\"'「]*(?:mailto:)?(?:smtp:|rfc822;)?\s*",
    re.IGNORECASE,
)
#: Labels of addresses that are nobody we wrote to.
_NOT: Final = re.compile(
    r"\b(?:from|sender|reply|return|contact|postmaster|admin\w*|envelope-from|support|help\w*|cc|"
    r"subject|message-?id|received|von|de|da|от|by|questions?|mailto|x-[\w-]+|list-[\w-]+|"
    r"authenticated|delivered-to|dkim\S*|generating|server|host)\b|"
    r"差出人|送信者|発信者|問い合わせ|連絡先|返信先|発信元|送信元|新しい",
    re.IGNORECASE,
)
#: Words before an address that a server failed to reach.
_BEFORE: Final = re.compile(
    r"(?:rcpt to|generated from|mailing list|recipients?|recipient address|mailbox|users?|account|"
    r"address(?:es)?|e-?mail|to|for|unknown|destinataire|empfänger|destinatario|宛先|受信者|"
    r"deliver(?:y|ed|ing)?(?: (?:of|to|for)(?: the (?:message|mail))?)?|"
    r"[45]\d\d(?:[ -][45]\.\d+\.\d+)?)"
    r"(?: named| is| was)?[\s:<\[(\"'「=]*$",
    re.IGNORECASE,
)
#: What joins an address to the one before it.
_JOINED: Final = re.compile(r"(?:[,;、，]|\band)\s*[<\[(\"'「]*$")
#: Signs that an address in a line is the one that a server talks about.
_AFTER: Final = re.compile(
    r"[>\])\"'」]*\s*(?:\.\.\.|:|;|,?\s*"
    r"(?:user|unknown|not|does|is|was|no|invalid|mailbox|recipient|の|は|宛|へ|に))",
    re.IGNORECASE,
)
_ORIGIN: Final = re.compile(
    r"^[ \t]*\(?(?:ultimately )?(?:generated|expanded) (?:from|by):? ?([^()]+)\)?", re.IGNORECASE
)
_SENDER: Final = re.compile(
    r"(?:mail from|from|sender|return-?path|by|contact|reply to|von|差出人|送信者)[\s:<=\[(\"']*$",
    re.IGNORECASE,
)
_NOBODY: Final = frozenset(
    {
        "postmaster",
        "mailer-daemon",
        "abuse",
        "mailerdaemon",
        "hostmaster",
        "support",
        "helpdesk",
        "webmaster",
        "post_master",
        "noc",
        "mail-daemon",
    }
)


@dataclass(slots=True)
class Mention:
    """An address in a notice."""

    address: str
    tier: int  # 0 is the clearest place
    line: int
    lines: list[str] = field(default_factory=list)
    alone: bool = True  # with its lines, which may be those of several in a list

    @property
    def origin(self) -> str | None:
        """The address that it was made from (Exim, sendmail), the one that was written to."""
        for line in self.lines[:4] if self.alone else ():
            if (found := _ORIGIN.match(line)) and (address := first(found[1])):
                return address
        return None


def find(lines: Sequence[str], *, apart: Iterable[str], written_to: Iterable[str]) -> list[Mention]:
    """Recipients that a notice names, without doubles, with the words that stand by each.

    ``apart`` are addresses of others (us, the server); ``written_to`` those in the headers of the
    returned mail, which count more where places are doubtful.
    """
    skip, known = frozenset(map(key, apart)), frozenset(map(key, written_to))
    found = [one for one in _all(lines) if _is_somebody(one.address, skip, known)]
    best = _best(found, known)
    _give_words(lines, best)
    return _once(best)[: bounds.FINDINGS]


def _all(lines: Sequence[str]) -> list[Mention]:
    found: list[Mention] = []
    for number, whole in enumerate(lines):
        if "@" not in whole:
            continue
        line = whole[:_LINE]
        if (origin := _without_own(line, lines[number - 1] if number else "")) is not None:
            found.append(Mention(origin, 0, number - 1))
            continue
        before = None
        for place in ADDRESS.finditer(line):
            # In a list on one line all are as clear as the first.
            listed = before is not None and _JOINED.search(line, 0, place.start())
            tier = before if listed else _tier(line, place)
            before = tier
            if tier is not None:
                found.append(Mention(tidy(place[0]), tier, number))
        if len(found) > bounds.FINDINGS * 4:
            break
    return found


def _without_own(line: str, before: str) -> str | None:
    """The origin of an entry that has no address: a pipe, a file, one that is kept secret."""
    found = _ORIGIN.match(line) if before.strip() and "@" not in before else None
    return first(found[1]) if found else None


def _tier(line: str, place: re.Match[str]) -> int | None:
    """How clear a place is; None: it is no recipient there."""
    before, after = line[: place.start()], line[place.end() :]
    if "message-id" in before.lower() or before.endswith("://"):
        return None
    leads = _LEADS.match(line)
    if leads and leads.end() >= place.start():
        return 0
    if "generated from" not in before and _SENDER.search(before):
        return None
    label = _LABEL.match(line)
    if label and label.end() == place.start():
        if _NOT.search(label[1]):
            return None
        return 0 if len(after.strip(" \t>])\"'.,;」")) < 60 else 1
    if _BEFORE.search(before) or _AFTER.match(after):
        return 1
    return 2


def _is_somebody(address: str, skip: frozenset[str], known: frozenset[str]) -> bool:
    name = key(address)
    if name in skip or name.startswith("imcea"):  # how Exchange writes what is no mail address
        return False
    return name in known or name.partition("@")[0] not in _NOBODY


def _best(found: list[Mention], known: frozenset[str]) -> list[Mention]:
    """The mentions in the clearest places."""
    for tier in range(3):
        best = [one for one in found if one.tier == tier]
        if tier and known and (ours := [one for one in best if key(one.address) in known]):
            return ours
        if best:
            return best
    return []


def _give_words(lines: Sequence[str], found: Sequence[Mention]) -> None:
    """Each mention gets its line and those after it, until the next; a list shares what follows."""
    end = len(lines)
    later: list[str] = []
    for place in range(len(found) - 1, -1, -1):
        one = found[place]
        if place + 1 < len(found) and found[place + 1].line == one.line:
            beside = found[place + 1]
            words = _between(lines[one.line], one.address, beside.address)
            one.lines, one.alone = (words, True) if words else (beside.lines, beside.alone)
            continue
        own = [
            _rest(lines[one.line], one.address),
            *lines[one.line + 1 : min(end, one.line + _NEAR)],
        ]
        one.alone = any(line.strip(" \t<>:;,.()") for line in own)
        one.lines = own if one.alone else later
        later, end = one.lines, one.line


def _between(line: str, address: str, following: str) -> list[str]:
    """What is said about an address before the next in its line; nothing if that only follows."""
    words = line.partition(address)[2].partition(following)[0].strip(_MARKS)
    return [words] if len(words) > _LITTLE else []


def _rest(line: str, address: str) -> str:
    """A line without the address that begins it."""
    start = line.find(address)
    return (
        (line[:start] + " " + line[start + len(address) :]).strip(" \t<>:;,")
        if start >= 0
        else line
    )


def _once(found: Iterable[Mention]) -> list[Mention]:
    kept: dict[str, Mention] = {}
    for one in found:
        other = kept.setdefault(key(one.address), one)
        if other is not one and other.lines is not one.lines:
            other.lines = [*other.lines, *one.lines][: 2 * _NEAR]
    return list(kept.values())


def paragraphs(lines: Iterable[str]) -> list[str]:
    """Lines joined where no blank line stands between them."""
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip(" \t>-=_*"):
            found[-1].append(line.strip())
        elif found[-1]:
            found.append([])
    return [" ".join(one) for one in found if one]
