"""Queries: parameters that may be given, each once."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import QueryParams

from notifier.model.errors import BadInput, FieldError
from notifier.webhooks.feed import MOST

LONGEST: Final = 20  # seconds of waiting
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_LATEST: Final = "latest"


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """What a request asks of a feed."""

    after: int | None  # None: from now on
    limit: int
    wait: int  # seconds
    only: tuple[str, ...]  # empty: everything


@dataclass(frozen=True, slots=True)
class FeedForm:
    """What a feed can be asked."""

    choice: str  # the parameter that picks some kinds of items
    choices: tuple[str, ...]
    #: Stands before the digits of each position, so that none is taken for one of another feed.
    prefix: str = ""

    def position(self, place: int) -> str:
        """A place as callers have it."""
        return f"{self.prefix}{place}"


def single_values(given: QueryParams, known: Collection[str]) -> dict[str, str]:
    """The parameters by name. Raises ``BadInput`` on an unknown one, or one that is given twice."""
    errors = [FieldError(name[:60], "unknown_field") for name in given.keys() - set(known)]
    errors += [FieldError(n, "given_twice") for n in known if len(given.getlist(n)) > 1]
    if errors:
        raise BadInput(_sorted(errors))
    return dict(given)


def feed_query(params: QueryParams, form: FeedForm) -> FeedQuery:
    """What is asked of a feed. Raises ``BadInput`` naming every wrong parameter."""
    given = single_values(params, {"after", "limit", "wait", form.choice})
    errors: list[FieldError] = []
    after = _after(given.get("after", form.position(0)), form, errors)
    limit = _number(given, "limit", 100, range(1, MOST + 1), errors)
    wait = _number(given, "wait", 0, range(LONGEST + 1), errors)
    only = tuple(name for name in given.get(form.choice, "").split(",") if name)
    if set(only) - set(form.choices):
        errors.append(FieldError(form.choice, "not_allowed", {"allowed": ", ".join(form.choices)}))
    if errors:
        raise BadInput(_sorted(errors))
    return FeedQuery(after, limit, wait, only)


def _after(text: str, form: FeedForm, errors: list[FieldError]) -> int | None:
    if text == _LATEST:
        return None
    digits = text.removeprefix(form.prefix)
    if text.startswith(form.prefix) and _NUMBER.fullmatch(digits):
        return int(digits)
    errors.append(FieldError("after", "unknown_position"))
    return None


def _number(
    given: Mapping[str, str], name: str, default: int, allowed: range, errors: list[FieldError]
) -> int:
    text = given.get(name, str(default))
    if _NUMBER.fullmatch(text) and int(text) in allowed:
        return int(text)
    errors.append(FieldError(name, "not_allowed", {"allowed": f"{allowed[0]}–{allowed[-1]}"}))
    return default


def _sorted(errors: list[FieldError]) -> list[FieldError]:
    return sorted(errors, key=lambda error: error.field)
