"""Labels of enum values and error codes, from the gettext catalogues under ``locales``."""

import re
import string
from collections.abc import Mapping
from gettext import GNUTranslations
from pathlib import Path
from typing import Any, Final

DEFAULT_LANGUAGE: Final = "ja"
_PACKAGE: Final = Path(__file__).resolve().parent.parent


class _Blanks(string.Formatter):
    """Leaves a placeholder standing for which there is no parameter."""

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> Any:  # noqa: ARG002
        return kwargs.get(str(key), f"{{{key}}}")


_FORMATTER: Final = _Blanks()


#: Of a catalogue: an entry's key and its text, each in one or more quoted lines.
_ENTRY: Final = re.compile(r'^msgid ((?:"[^\n]*"\n)+)msgstr ((?:"[^\n]*"(?:\n|\Z))+)', re.MULTILINE)
_ESCAPED: Final = {"n": "\n", "t": "\t"}


def _entries(text: str) -> dict[str, str]:
    """Return the entries of a catalogue; Babel takes longer to load than all of them to read."""
    found = {_unquoted(key): _unquoted(value) for key, value in _ENTRY.findall(text)}
    return {key: value for key, value in found.items() if key and value}


def _unquoted(lines: str) -> str:
    whole = "".join(line[1:-1] for line in lines.splitlines())
    return re.sub(r"\\(.)", lambda m: _ESCAPED.get(m[1], m[1]), whole)


class Labels:
    """The catalogues of one ``locales`` folder, each read when first asked for."""

    def __init__(self, locales: Path) -> None:
        self._locales = locales
        self._read: dict[str, Mapping[str, str]] = {}

    def label(self, key: str, language: str, /, **params: object) -> str:
        """The label of ``key`` (such as ``state.held``) in a language, filled with ``params``.

        A language without a catalogue, or a catalogue without the key, falls back to Japanese; a
        key that nobody knows is returned as it is, so that an old record can always be shown.
        """
        text = self.catalogue(language).get(key) or self.catalogue(DEFAULT_LANGUAGE).get(key)
        if text is None:
            return key
        return _FORMATTER.format(text, **params) if params else text

    def catalogue(self, language: str) -> Mapping[str, str]:
        """All labels of a language by key; empty for a language without a catalogue."""
        if language not in self._read:
            self._read[language] = self._load(language)
        return self._read[language]

    def path(self, language: str) -> Path:
        """The file of a language's catalogue, whether or not it is there."""
        return self._locales / language / "LC_MESSAGES" / "notifier.po"

    def _load(self, language: str) -> Mapping[str, str]:
        if not (language.isascii() and language.isalpha()):
            return {}
        path = self.path(language)
        if not path.is_file():
            return {}
        compiled = path.with_suffix(".mo")
        if compiled.is_file() and compiled.stat().st_mtime >= path.stat().st_mtime:
            with compiled.open("rb") as file:
                found = vars(GNUTranslations(file))["_catalog"]  # what lists it is private
            return {key: value for key, value in found.items() if key and value}
        return _entries(path.read_text("utf-8"))


def _default_locales() -> Path:
    """The checkout's folder, or the copy inside an installed package."""
    beside = _PACKAGE.parent / "locales"
    return beside if beside.is_dir() else _PACKAGE / "_data" / "locales"


#: The labels that come with the program.
LABELS: Final = Labels(_default_locales())
label = LABELS.label


def step_label(step: str, language: str) -> str:
    """The label of a step of a notice; a step that the catalogues do not know names itself."""
    name, _, days = step.rpartition("_")
    if name == "before" and days.isdecimal():
        return label("step.before", language, days=int(days))
    found = label(f"step.{step}", language)
    return step if found == f"step.{step}" else found
