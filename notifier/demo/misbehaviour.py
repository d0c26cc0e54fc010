"""How the post office is told to misbehave."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from notifier.files import write


class Stage(StrEnum):
    """Where in the conversation a rule comes in."""

    CONNECT = "connect"  # in place of the greeting; no address is known yet
    MAIL = "mail"  # the address is the sender's
    RCPT = "rcpt"
    DATA = "data"  # when DATA is asked for, before 354
    END = "end"  # after the final dot, before the answer
    AFTER = "after"  # after the answer 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One misbehaviour: it waits, then answers with ``reply`` or drops the connection."""

    stage: Stage
    address: str = "*"  # a shell pattern of the recipient (at MAIL: of the sender)
    reply: str = ""  # such as "451 4.3.0 come back later"
    drop: bool = False
    keep: bool = False  # at END with drop: the message is taken all the same
    delay: float = 0.0  # seconds
    times: int | None = None  # how often it applies; None: always

    def fits(self, stage: Stage, addresses: Sequence[str]) -> bool:
        """Whether it applies there, to any of the addresses."""
        if stage is not self.stage:
            return False
        return self.address == "*" or any(fnmatchcase(one, self.address) for one in addresses)


class Rules:
    """The rules in force, in order; can be changed while the office is open."""

    def __init__(self, rules: Iterable[Rule] = (), *, file: Path | None = None) -> None:
        self._rules = [*rules]
        self._used = [0] * len(self._rules)
        self._file = file
        self._seen = (0, 0)

    def set(self, *rules: Rule) -> None:
        """These and no others, their counts from zero."""
        self._used, self._rules = [0] * len(rules), [*rules]

    def add(self, rule: Rule) -> None:
        """One more, after the others."""
        self._used.append(0)
        self._rules.append(rule)

    @property
    def applied(self) -> int:
        """How often a rule in force has applied."""
        return sum(self._used)

    def clear(self) -> None:
        """Behave."""
        self.set()

    def find(self, stage: Stage, addresses: Sequence[str]) -> Rule | None:
        """The first rule that applies now; counted as used."""
        self._look()
        for place, rule in enumerate(self._rules):
            spent = rule.times is not None and self._used[place] >= rule.times
            if not spent and rule.fits(stage, addresses):
                self._used[place] += 1
                return rule
        return None

    def _look(self) -> None:
        """Take over what the file says, if it has changed."""
        if self._file is None or not self._file.exists():
            return
        stat = self._file.stat()
        seen = (stat.st_mtime_ns, stat.st_ino)
        if seen != self._seen:
            self._seen = seen
            self.set(*read_rules(self._file))


def read_rules(file: Path) -> list[Rule]:
    """Rules from a JSON array of objects with the fields of :class:`Rule`."""
    return [Rule(**{**one, "stage": Stage(one["stage"])}) for one in json.loads(file.read_text())]


def write_rules(file: Path, rules: Iterable[Rule]) -> None:
    """The file for an office that runs as a process of its own; replaced as a whole."""
    fresh = file.with_name(f"{file.name}.new")
    write(fresh, json.dumps([asdict(rule) for rule in rules]))
    fresh.replace(file)
