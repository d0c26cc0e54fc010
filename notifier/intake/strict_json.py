"""JSON read strictly: what two readers could read in two ways is refused."""

import json
from collections import Counter
from typing import Any, Final

import orjson

from notifier.model.characters import printable
from notifier.model.errors import BadInput, FieldError

MAX_DEPTH: Final = 32
#: Objects and arrays of a text: a thousand events have some ten thousand. The second reading takes
#: a microsecond for each, and none must be kept waiting for what a caller has written.
MAX_PARTS: Final = 100_000


class _DuplicateKey(ValueError):
    """An object that names a member twice."""


def decode(raw: bytes, *, limit: int) -> Any:
    """The value of a JSON text of at most ``limit`` bytes.

    Raises :class:`BadInput` with ``empty``, ``too_big``, ``not_utf8``, ``not_json`` (NaN and
    lone surrogates included), ``duplicate_key``, ``too_many_parts`` or ``too_deep``; the
    field is ``body``.
    """
    if len(raw) > limit:
        raise refusal("too_big", limit=limit)
    if not raw.strip():
        raise refusal("empty")
    if raw.count(b"{") + raw.count(b"[") > MAX_PARTS:
        raise refusal("too_many_parts", limit=MAX_PARTS)
    try:
        # orjson keeps to RFC 8259; the second reading only looks for members named twice.
        orjson.loads(raw)
        value = json.loads(raw, object_pairs_hook=_object)
    except _DuplicateKey as error:
        raise refusal("duplicate_key", name=printable(str(error)[:100])) from None
    except RecursionError:
        raise refusal("too_deep", limit=MAX_DEPTH) from None
    except ValueError as error:
        if str(error).startswith("depth limit"):  # orjson has no other way to say so
            raise refusal("too_deep", limit=MAX_DEPTH) from None
        raise refusal(_why(raw), at=getattr(error, "pos", 0)) from None
    if _deeper(value, MAX_DEPTH):
        raise refusal("too_deep", limit=MAX_DEPTH)
    return value


def refusal(code: str, **params: object) -> BadInput:
    """A refusal of the whole body."""
    return BadInput([FieldError("body", code, params)])


def canonical(value: Any) -> bytes:
    """The one form of a value: sorted keys, no white space. ValueError on what has none."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise ValueError(str(error)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        raise _DuplicateKey(next(name for name, count in times.items() if count > 1))
    return found


def _why(raw: bytes) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "not_utf8"
    return "not_json"


def _deeper(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if left == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(_deeper(v, left - 1) for v in inner if isinstance(v, dict | list))
