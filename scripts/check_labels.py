"""Refuse labels without words in a language: keys that Babel finds in sources, against catalogues.

Also refused: a key that only one language has, an empty text, and placeholders that differ.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

KEYWORDS = {"label": None}  # label("state.held", …)
PACKAGES = ("notifier", "workers")


def used() -> dict[str, str]:
    """Keys that sources name as they are, each with a place where it stands."""
    return {
        str(key): f"{package}/{file}:{line}"
        for package in PACKAGES
        for file, line, key, _, _ in extract_from_dir(
            package, [("**.py", "python")], keywords=KEYWORDS
        )
    }


def catalogue(file: Path) -> dict[str, str]:
    """Key → text of one language."""
    with file.open("rb") as opened:
        messages = read_po(opened, abort_invalid=True)
    return {str(message.id): str(message.string) for message in messages if message.id}


def blanks(text: str) -> set[str]:
    """The names of what a text is filled with."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def known(key: str, texts: dict[str, str]) -> bool:
    """Whether a key has words; a choice between two literals is read as one text by Babel."""
    return key in texts or any(key.startswith(k) and key[len(k) :] in texts for k in texts)


def missing(catalogues: dict[str, dict[str, str]]) -> Iterator[str]:
    """A line for everything that is missing in a language, or differs between two."""
    everywhere = set().union(*catalogues.values())
    first = next(iter(catalogues.values()))
    for language, texts in catalogues.items():
        for key, where in used().items():
            if not known(key, texts):
                yield f"{where}: {key} in {language}"
        yield from (f"{key} in {language}" for key in sorted(everywhere) if not texts.get(key))
        for key, text in texts.items():
            if key in first and text and blanks(text) != blanks(first[key]):
                yield f"{key} in {language}: other placeholders"


def main() -> int:
    """Print what is missing; 1 if anything is."""
    files = sorted(Path("locales").glob("*/LC_MESSAGES/notifier.po"))
    lines = sorted(set(missing({file.parts[1]: catalogue(file) for file in files})))
    for line in lines:
        print(f"no label: {line}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
