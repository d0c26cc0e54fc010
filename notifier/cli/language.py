"""In which language a run speaks, whether it prints JSON, and what is wrong with its words.

Nothing heavy is loaded here: help needs it.
"""

import os
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from pathlib import Path
from typing import Final, NoReturn

import typer

from notifier.rendering.labels import DEFAULT_LANGUAGE, label

LANGUAGES: Final = ("ja", "en")
_LANG: ContextVar[str] = ContextVar("lang", default="")
_JSON: ContextVar[bool] = ContextVar("json", default=False)


@contextmanager
def asked_for(words: Sequence[str]) -> Iterator[None]:
    """Speak, within, one language, by ``--lang`` among the words or by the surroundings."""
    named = [w.removeprefix("--lang=") for w in words if w.startswith("--lang=")]
    named += [after for w, after in pairwise(words) if w == "--lang"]
    lang = _LANG.set(_language(named[-1] if named else ""))
    json = _JSON.set(False)
    try:
        yield
    finally:
        _LANG.reset(lang)
        _JSON.reset(json)


def language() -> str:
    """Return the language of this run: ``--lang``, NOTIFIER_LOCALE, notifier.toml, then LANG."""
    return _LANG.get() or _language()


def _language(asked: str = "") -> str:
    chosen = (asked, os.environ.get("NOTIFIER_LOCALE", ""), _of_file(), _of_system())
    return next((one for one in chosen if one in LANGUAGES), DEFAULT_LANGUAGE)


def _of_file() -> str:
    try:
        return str(tomllib.loads(Path("notifier.toml").read_text("utf-8")).get("locale", ""))
    except (OSError, ValueError):  # said by whoever reads all settings
        return ""


def _of_system() -> str:
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    named = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return named[:2] if named[2:3] in ("", "_", ".") else ""


def word(kind: str, value: object) -> str:
    """Return the label ``<kind>.<value>``; nothing of a value that is empty."""
    return label(f"{kind}.{value}", language()) if value else ""


class WrongUse(typer.BadParameter):
    """A verb cannot be used like that; its text is in the language of the run."""


def wrong_use(code: str, /, **params: object) -> NoReturn:
    """End the verb, which cannot be used like that; ``cli.<code>`` says why."""
    raise WrongUse(label(f"cli.{code}", language(), **params))


def print_as_json(wanted: bool) -> None:
    """Print JSON from now on, if that is wanted."""
    _JSON.set(_JSON.get() or wanted)


def as_json() -> bool:
    """Whether this run prints JSON."""
    return _JSON.get()
