"""Catalogues that were compiled are read; one that is older than its text is not."""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from notifier.rendering.labels import Labels

_TEXT = 'msgid ""\nmsgstr "Language: en\\n"\n\nmsgid "state.held"\nmsgstr "{what}"\n'


def test_compiled_catalogues(tmp_path: Path) -> None:
    source = tmp_path / "en" / "LC_MESSAGES" / "notifier.po"
    source.parent.mkdir(parents=True)
    source.write_text(_TEXT.format(what="compiled"))
    compiled = source.with_suffix(".mo")
    with source.open("rb") as given, compiled.open("wb") as made:
        write_mo(made, read_po(given))
    source.write_text(_TEXT.format(what="edited"))
    os.utime(compiled, (2_000_000_000, 2_000_000_000))
    assert Labels(tmp_path).label("state.held", "en") == "compiled"
    os.utime(compiled, (1_000_000_000, 1_000_000_000))
    assert Labels(tmp_path).label("state.held", "en") == "edited"
