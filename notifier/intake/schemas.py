"""JSON Schemas of the events we take, one file per type and version."""

from pathlib import Path
from typing import Any, Final

import orjson

from notifier.rules.rules import TYPES

from .attributes import KNOWN, MAX_TEXT, RESERVED

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
#: Extension attributes: every lawful name but those that have a meaning of their own.
_OTHERS: Final = f"^(?!(?:{'|'.join(sorted(KNOWN | RESERVED))})$)[a-z0-9]{{1,40}}$"
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}


def file_name(kind: str, version: int) -> str:
    """The file of a type's version, such as ``billing.charge.settled.v1.json``."""
    return f"{kind}.v{version}.json"


def event_schema(kind: str, version: int) -> dict[str, Any]:
    """The schema of a whole event in structured JSON: envelope and data."""
    data = TYPES[kind][version].model_json_schema()
    definitions = data.pop("$defs", {})
    schema = {
        "$schema": _DIALECT,
        "$id": f"urn:notifier:event:{kind}:v{version}",
        "title": kind,
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**_TEXT, "description": "with source, the identity of the event for ever"},
            "source": {**_TEXT, "description": "the source that the API key belongs to"},
            "type": {"const": kind},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {**_TEXT, "pattern": f"/v{version}$"},
            "subject": _TEXT,
            "supersedes": {**_TEXT, "description": "id of the earlier event that this corrects"},
            "data": data,
        },
        "patternProperties": {_OTHERS: {"type": ["string", "integer", "boolean"]}},
        "additionalProperties": False,
    }
    return {**schema, **({"$defs": definitions} if definitions else {})}


def all_files() -> dict[str, bytes]:
    """Every schema file by name, as it is published."""
    return {
        file_name(kind, version): _text(event_schema(kind, version))
        for kind, versions in TYPES.items()
        for version in versions
    }


def publish(folder: Path) -> list[Path]:
    """Write all schema files into a folder; the paths written."""
    written = []
    for name, text in all_files().items():
        path = folder / name
        path.write_bytes(text)
        written.append(path)
    return written


def _text(schema: dict[str, Any]) -> bytes:
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n"
