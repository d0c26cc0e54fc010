"""A checker for the part of JSON Schema 2020-12 that our documents use.

It raises on a keyword that it does not know, so that nothing is passed over in silence. Where a
schema names properties, an instance may have no others: documents say everything that there is.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

Json = Any
_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_NOTES = {"title", "description", "default", "examples", "discriminator"}
_OF_OBJECTS = {"required", "properties", "patternProperties", "additionalProperties"}
_LIMITS: dict[str, Callable[[Any, Any], bool]] = {
    "minLength": lambda v, n: not isinstance(v, str) or len(v) >= n,
    "maxLength": lambda v, n: not isinstance(v, str) or len(v) <= n,
    "minItems": lambda v, n: not isinstance(v, list) or len(v) >= n,
    "maxItems": lambda v, n: not isinstance(v, list) or len(v) <= n,
    "minimum": lambda v, n: not isinstance(v, int | float) or v >= n,
    "maximum": lambda v, n: not isinstance(v, int | float) or v <= n,
    "pattern": lambda v, p: not isinstance(v, str) or re.search(p, v) is not None,
    "const": lambda v, c: v == c,
    "enum": lambda v, c: v in c,
    "format": lambda v, f: not isinstance(v, str) or _FORMATS[f](v),
    "type": lambda v, t: any(_is(v, one) for one in ([t] if isinstance(t, str) else t)),
}


def _moment(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


def _day(text: str) -> bool:
    return date.fromisoformat(text).isoformat() == text


_FORMATS: dict[str, Callable[[str], bool]] = {"date-time": _moment, "date": _day}


def _is(value: Json, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name])


def resolve(document: Json, reference: str) -> Json:
    """What a reference within a document leads to."""
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def faults(document: Json, schema: Json, value: Json, place: str = "") -> list[str]:
    """What of a value does not match a schema of a document."""
    return list(_faults(document, schema, value, place))


def _faults(document: Json, schema: Json, value: Json, place: str) -> Iterator[str]:
    for keyword, given in schema.items():
        if keyword == "$ref":
            yield from _faults(document, resolve(document, given), value, place)
        elif keyword in ("anyOf", "oneOf"):
            yield from _choice(document, keyword, given, value, place)
        elif keyword in _LIMITS:
            fits = _LIMITS[keyword](value, given)
            yield from () if fits else (f"{place}: {keyword} {given!r} by {value!r}",)
        elif keyword == "items":
            for n, one in enumerate(value if isinstance(value, list) else ()):
                yield from _faults(document, given, one, f"{place}.{n}")
        elif keyword not in _NOTES | _OF_OBJECTS:
            raise AssertionError(f"{place}: the checker does not know {keyword}")
    if isinstance(value, dict):
        yield from _object(document, schema, value, place)


def _choice(document: Json, keyword: str, given: Json, value: Json, place: str) -> Iterator[str]:
    told = [faults(document, one, value, place) for one in given]
    fit = sum(not one for one in told)
    if fit == 0 or (keyword == "oneOf" and fit > 1):
        nearest = min(told, key=len)
        yield f"{place}: {fit} of {len(given)} fit; nearest: {nearest[:3]}"


def _object(document: Json, schema: Json, value: Json, place: str) -> Iterator[str]:
    known = schema.get("properties", {})
    yield from (f"{place}.{n}: missing" for n in schema.get("required", ()) if n not in value)
    for name, one in value.items():
        patterns = [s for p, s in schema.get("patternProperties", {}).items() if re.search(p, name)]
        if name in known:
            yield from _faults(document, known[name], one, f"{place}.{name}")
        elif patterns:
            for pattern in patterns:
                yield from _faults(document, pattern, one, f"{place}.{name}")
        elif known and schema.get("additionalProperties") is not True:
            yield f"{place}.{name}: not documented"
