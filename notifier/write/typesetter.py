"""Letters by Typst: PDF/A-2b, tagged, with fonts of our own."""

import importlib.util
import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

import typst

from notifier.write.errors import WriteError
from notifier.write.written import WrittenLetter

_FONT_PACKAGES: Final = ("noto_cjk_sans_jp_regular", "noto_cjk_sans_jp_bold")
_PAGE: Final = re.compile(rb"/Type\s*/Page\b")
_PANIC: Final = re.compile(r"panicked with: \"?([a-z_.]+): ([^\"]*)")


class Typesetter:
    """A kept Typst compiler; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._compiler = typst.Compiler(
            input=b"",
            root=os.devnull,  # a letter reads no file, whatever its source says
            font_paths=typst.Fonts(
                include_system_fonts=False,
                include_embedded_fonts=False,
                font_paths=[str(folder) for folder in font_folders()],
            ),
        )

    def pdf(self, source: str, data: Mapping[str, Any], written_at: datetime) -> WrittenLetter:
        """The letter; the same arguments give the same bytes.

        Raises :class:`WriteError` on a character without a glyph and on what the sheet refuses.
        """
        made = self._compile(source, data, written_at, format="pdf", pdf_standards=["a-2b"])
        pdf = made[0]
        return WrittenLetter(pdf, len(_PAGE.findall(pdf)))

    def png(
        self, source: str, data: Mapping[str, Any], written_at: datetime, ppi: int
    ) -> list[bytes]:
        """One picture a page, ``ppi`` dots an inch."""
        self.pdf(source, data, written_at)  # only PDF/A looks for missing glyphs
        return self._compile(source, data, written_at, format="png", ppi=ppi)

    def _compile(
        self, source: str, data: Mapping[str, Any], written_at: datetime, **how: Any
    ) -> list[bytes]:
        inputs = {"data": json.dumps(data, ensure_ascii=False)}
        try:
            with self._lock:
                made = self._compiler.compile(
                    input=source.encode(),
                    sys_inputs=inputs,
                    timestamp=int(written_at.timestamp()),
                    **how,
                )
        except typst.TypstError as error:
            raise _wrapped(error) from None
        assert made is not None
        return made if isinstance(made, list) else [made]


def font_folders() -> list[Path]:
    """Where the font packages are installed."""
    folders = []
    for package in _FONT_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"the font package {package} is not installed")
        folders.append(Path(spec.origin).parent)
    return folders


def _wrapped(error: typst.TypstError) -> WriteError:
    """Typst quotes the text that it cannot show; the record must not."""
    message = str(error.message)
    if "could not be displayed with font" in message:
        return WriteError("letter", "holds a character that no font of ours can print")
    panic = _PANIC.search(message)
    if panic:
        return WriteError(panic[1], panic[2])
    return WriteError("letter", f"cannot be typeset: {message.splitlines()[0][:120]}")
