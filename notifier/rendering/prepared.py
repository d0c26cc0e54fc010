"""Prepared messages: the skeleton that holds for one, found in microseconds.

The templates decide what a skeleton depends on: a first try makes a slot of every name, number
and amount, and what turns out to be looked at becomes part of the key under which skeletons are
kept. A message that is in any way out of the ordinary (line breaks or links in its values) has no
skeleton, and goes through the templates itself.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cached_property
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from notifier.logs import get_logger
from notifier.model.characters import FILLERS
from notifier.model.correspondence import MAILED_ON, Correspondence
from notifier.model.linking import links_in
from notifier.model.notice import FieldSpec, FieldType
from notifier.rendering.errors import WriteError
from notifier.rendering.facts import usual
from notifier.rendering.folder import Folder
from notifier.rendering.labels import Labels
from notifier.rendering.samples import read_sample
from notifier.rendering.skeleton import LINKING, Unfit
from notifier.rendering.text.lines import LONG, is_long
from notifier.rendering.text.tracing import Tracing
from notifier.rendering.words import Phrases

log = get_logger(__name__)

_MOST: Final = 128  # skeletons (about 60 KB each)
_MOST_SEEN: Final = 10_000  # keys that came once
#: Between the values of a message, when all are looked through at once.
_JOINT: Final = "、"
_EDGES: Final = tuple(e for s in " \u3000" for e in (f"{_JOINT}{s}", f"{s}{_JOINT}"))
#: Without any of these nothing can be a link: one of them is in all that :data:`LINKING` finds.
_LINKS: Final = re.compile(r"[:/=\\(wW]")
#: One of these is in every bare domain and every filler: one look in place of three.
_RARE: Final = re.compile(f"[:.．。｡{FILLERS.pattern[1:]}")

#: Types whose values can be slots, and values of them that never are.
_SLOTS: Final = frozenset({FieldType.YEN, FieldType.TEXT})
_NOTHING: Final = (None, "")
_SCALARS: Final = frozenset({str, int, bool, type(None)})
#: What differs from message to message, so that no skeleton with it would be found again.
_OWN: Final = frozenset({"number", "recipient", "policies"})

#: How values are told that go into slots unchecked.
_SURELY: Final[Mapping[FieldType, Callable[[Any], bool]]] = {
    FieldType.YEN: lambda value: type(value) is int and value >= 0,
    FieldType.NUMBER: lambda value: type(value) is int,
    FieldType.TEXT: lambda value: type(value) is str and value != "",
}

Leaves = dict[str, str | int]


class Look(NamedTuple):
    """How a field is looked at; whatever is doubtful is left to the checks."""

    name: str
    may_lack: bool
    is_surely: Callable[[Any], bool] | None  # of its type; None: any value will do
    is_slot: bool  # whether it may be one


#: What a skeleton gives: the parts of a mail, or the words of a letter.
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Filled(Protocol[T_co]):
    """A skeleton."""

    def fill(self, values: Mapping[str, str | int], /) -> T_co:
        """What the templates would have given; ``values`` by path."""
        ...


#: Makes a skeleton, as :func:`notifier.rendering.skeleton.trace` does.
Trace = Callable[[Phrases, str, Mapping[str, Any], Leaves, Sequence[str]], Filled[T]]


class Found(NamedTuple, Generic[T]):
    """A skeleton with what is to be filled in, or why there is none yet."""

    key: Hashable
    leaves: Leaves
    skeleton: Filled[T] | None


class Prepared(Generic[T]):
    """The skeletons of one notice in one language, on one channel. For use by several threads."""

    def __init__(self, folder: Folder, labels: Labels, trace: Trace[T]) -> None:
        self._folder, self._labels, self._trace = folder, labels, trace
        self._notice = folder.notice
        self._fields: dict[str, tuple[Look, ...]] = {}  # by step
        #: Step → names that cannot be slots: at first the sentences, which are the same for all.
        self._closed = {step: _sentences(folder, step) for step in folder.notice.steps}
        self._kept: OrderedDict[Hashable, Filled[T] | None] = OrderedDict()
        self._seen: OrderedDict[Hashable, None] = OrderedDict()

    @cached_property
    def _phrases(self) -> Phrases:
        return Phrases(self._folder, self._labels, Tracing)

    def find(self, c: Correspondence, day: date) -> Found[T] | None:
        """What there is for a message issued on a day; None if it can have no skeleton."""
        closed = self._closed.get(c.step, frozenset())
        found = self._parts(c, closed)
        if found is not None and not _all_plain(_texts(found[1])):
            # What all readers are told, such as a cause in paragraphs, can still be in the key.
            odd = _names({path for path, text in found[1].items() if not _all_plain([str(text)])})
            found = self._parts(c, closed | odd) if odd.isdisjoint(_OWN) else None
        if found is None:
            return None
        frame, leaves = found
        to = c.recipient
        fixed = (c.scheme_name, c.group_no, to.honorific, to.organisation, to.role)
        key = (c.step, c.brand, day, _frozen(c.facts.get(MAILED_ON)), *fixed, *frame)
        skeleton = self._kept.get(key)
        if skeleton is not None and len(self._kept) > _MOST // 2:
            with suppress(KeyError):  # another thread may have dropped it
                self._kept.move_to_end(key)  # what was used last goes last
        return Found(key, leaves, skeleton)

    def offer(self, found: Found[T], c: Correspondence, values: Mapping[str, Any], made: T) -> None:
        """A message went through the templates: make the skeleton that the next one is to find.

        What came only once is not worth one.
        """
        if found.key in self._kept or not self._again(found.key):
            return
        skeleton = self._traced(found, c, values)
        if skeleton is not None and skeleton.fill(found.leaves) != made:
            log.warning("skeleton differs", notice=self._notice.name, step=c.step)
            skeleton = None
        if self._closed.get(c.step, frozenset()).isdisjoint(_names(found.leaves)):
            _keep(self._kept, found.key, skeleton, _MOST)

    def _again(self, key: Hashable) -> bool:
        if key in self._seen:
            return True
        _keep(self._seen, key, None, _MOST_SEEN)
        return False

    def _traced(
        self, found: Found[T], c: Correspondence, values: Mapping[str, Any]
    ) -> Filled[T] | None:
        try:
            return self._trace(self._phrases, c.step, values, found.leaves, c.brand.allowed_domains)
        except Unfit as unfit:
            closed = self._closed.get(c.step, frozenset())
            self._closed[c.step] = closed | _names(unfit.paths)
        except WriteError as error:
            log.warning("not prepared", notice=self._notice.name, step=c.step, field=error.field)
        return None

    def _looks(self, step: str) -> tuple[Look, ...]:
        if step not in self._fields:
            self._fields[step] = tuple(map(_look, self._notice.fields_for(step)))
        return self._fields[step]

    def _parts(
        self, c: Correspondence, closed: frozenset[str]
    ) -> tuple[list[Hashable], Leaves] | None:
        """What the key holds, and what goes into slots; None for what the checks must see."""
        frame: list[Hashable] = [len(c.policies)]
        leaves: Leaves = {}
        for name, path, value in _own(c):
            if name in closed or not value:
                frame.append(value)
            else:
                frame.append(...)
                leaves[path] = value
        facts = c.facts
        for name, may_lack, is_surely, is_slot in self._looks(c.step):
            fact = facts.get(name)
            # Of a type that is not looked at the value is part of the key, so that an equal one
            # has been checked.
            if not (may_lack if fact is None else is_surely is None or is_surely(fact)):
                return None
            if is_slot and fact not in _NOTHING and name not in closed:
                frame.append(...)
                leaves[name] = fact
            else:
                frame.append(_frozen(fact))
        return frame, leaves


def _sentences(folder: Folder, step: str) -> frozenset[str]:
    facts = read_sample(folder, step).facts
    return frozenset(name for name, fact in facts.items() if is_long(fact))


def _own(c: Correspondence) -> list[tuple[str, str, str]]:
    """What every message has of its own: name for the template, path, value."""
    return [
        ("number", "number", c.number),
        ("recipient", "recipient.name", c.recipient.name),
        ("recipient", "recipient.member_no", c.recipient.member_no),
        *[("policies", f"policies.{place}", policy) for place, policy in enumerate(c.policies)],
    ]


def _look(spec: FieldSpec) -> Look:
    return Look(spec.name, spec.optional, _SURELY.get(spec.type), spec.type in _SLOTS)


def _frozen(value: Any) -> Hashable:
    """A JSON value as part of a key."""
    kind = type(value)
    if kind in _SCALARS:
        return kind, value
    if isinstance(value, Mapping):
        return tuple((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return (list, *map(_frozen, value))
    return kind, value


def _texts(leaves: Leaves) -> list[str]:
    return [value for value in leaves.values() if isinstance(value, str)]


def _all_plain(texts: list[str]) -> bool:
    """Whether the values of a message surely pass all checks of text, and stay as they are."""
    return max(map(len, texts), default=0) <= LONG and _plain(_JOINT.join(("", *texts, "")))


def _plain(texts: str) -> bool:
    """Of values with a joint before, between and after them."""
    return (
        usual(texts) == texts
        and texts.replace("\u3000", "").isprintable()
        and not (_LINKS.search(texts) and LINKING.search(texts))
        and not (_RARE.search(texts) and (FILLERS.search(texts) or links_in(texts)))
        and not any(edge in texts for edge in _EDGES)
    )


def _names(paths: Mapping[str, object] | set[str]) -> frozenset[str]:
    """The names of the template's variables that paths begin with."""
    return frozenset(path.partition(".")[0] for path in paths)


def _keep(kept: OrderedDict[Hashable, Any], key: Hashable, value: Any, most: int) -> None:
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)
