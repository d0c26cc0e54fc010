"""Letters by Typst: PDF/A-2b, tagged, with fonts of our own, one letter or many at once."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final

import typst

from notifier.files import Scratch
from notifier.model.reasons import Reason
from notifier.rendering.errors import LetterError, PiecesRefused, WriteError
from notifier.rendering.letter.typeface import Typeface
from notifier.rendering.pdf.fonts import Unreadable
from notifier.rendering.pdf.reader import Pages
from notifier.rendering.sheet import MAIN, Piece, document
from notifier.rendering.written import Bulk

#: Letters in one document at most; what is larger takes more memory than time.
MOST: Final = 1000
_MOST_KEPT: Final = 500
_AGES: Final = 11
_PANIC: Final = re.compile(r"panicked with: \"?([a-z_.]+): ([^\"]*)")


class Typesetter:
    """A kept Typst compiler; safe to use from several threads."""

    def __init__(self, face: Typeface, scratch: Path | None = None) -> None:
        """``scratch``: where its folder is made; else where all programs make theirs."""
        self._lock = Lock()
        self._seen: dict[tuple[str, str, str], int] = {}  # pages of letters of a kind
        # Typst reads the source of a file once, and what is given with a document each time.
        self._scratch = Scratch(scratch, "letters")
        self._folder = self._scratch.path
        self._kept = 0  # letters of which Typst keeps what it reckoned
        self._compiler = typst.Compiler(
            input=b"",
            root=str(self._folder),  # whatever its source says, a letter reads no other file
            font_paths=typst.Fonts(
                include_system_fonts=False,
                include_embedded_fonts=False,
                font_paths=[*face.folders],
            ),
        )

    def bulk(self, pieces: Sequence[Piece]) -> Bulk:
        """One document of 1 to 1,000 letters, in order; the same letters give the same bytes.

        Raises :class:`PiecesRefused` for letters with more pages than allowed, and
        :class:`WriteError` for what the sheet refuses as a whole.
        """
        if not 1 <= len(pieces) <= MOST:
            raise ValueError(f"a document has 1 to {MOST} letters")
        with self._lock:
            pages = self._guess(pieces)
            made = self._compile(pieces, pages, format="pdf", pdf_standards=["a-2b"])[0]
            found = _pages(made, len(pieces))
            if found != pages:  # the foot of a page says how many there are
                made = self._compile(pieces, found, format="pdf", pdf_standards=["a-2b"])[0]
                if _pages(made, len(pieces)) != found:
                    raise WriteError("letter", "changes its pages with their number")
            self._learn(pieces, found)
            self._forget(len(pieces))
        _check_pages(pieces, found)
        return Bulk(made, found)

    def png(self, piece: Piece, ppi: int) -> list[bytes]:
        """One picture a page, ``ppi`` dots an inch."""
        pages = self.bulk([piece]).pages  # only PDF/A looks for missing glyphs
        with self._lock:
            return self._compile([piece], pages, format="png", ppi=ppi)

    def _guess(self, pieces: Sequence[Piece]) -> tuple[int, ...]:
        return tuple(self._seen.get(piece.kind, 1) for piece in pieces)

    def _learn(self, pieces: Sequence[Piece], pages: Sequence[int]) -> None:
        self._seen |= {piece.kind: n for piece, n in zip(pieces, pages, strict=False)}

    def _forget(self, letters: int) -> None:
        """Let go of what Typst keeps of letters, while whoever called goes on."""
        self._kept += letters
        if self._kept >= _MOST_KEPT:
            self._kept = 0
            Thread(target=self._age, name="typesetter-forgets").start()

    def _age(self) -> None:
        """Typst drops what ten documents have not used."""
        nothing: Any = {MAIN: b""}
        with self._lock:
            for _ in range(_AGES):
                self._compiler.compile(input=nothing, format="pdf")

    def _compile(self, pieces: Sequence[Piece], pages: Sequence[int], **how: Any) -> list[bytes]:
        made_from = document(pieces, pages)
        self._write(made_from.shared)
        files: Any = made_from.own  # the library's types know only one file
        at = max(int(piece.written_at.timestamp()) for piece in pieces)
        try:
            made = self._compiler.compile(input=files, timestamp=at, **how)
        except typst.TypstError as error:
            raise _wrapped(error) from None
        assert made is not None
        return made if isinstance(made, list) else [made]

    def _write(self, sources: Mapping[str, bytes]) -> None:
        """Have the sources in the folder; a cleaner of temporary files may have been there."""
        for name, content in sources.items():
            path = self._folder / name
            if not path.exists():
                self._folder.mkdir(mode=0o700, exist_ok=True)
                new = path.with_suffix(".new")
                new.write_bytes(content)
                new.rename(path)  # whole, or not at all


def _pages(pdf: bytes, letters: int) -> tuple[int, ...]:
    """The pages of each letter. Raises :class:`WriteError` where they cannot be told."""
    try:
        found = Pages(pdf).of_letters()
    except Unreadable as error:
        raise WriteError("letter", str(error)) from None
    if len(found) != letters or 0 in found:
        raise WriteError("letter", "does not have one title, on its first page")
    return found


def _check_pages(pieces: Sequence[Piece], pages: Sequence[int]) -> None:
    faults: dict[int, WriteError] = {}
    for n, (piece, count) in enumerate(zip(pieces, pages, strict=True)):
        if count > piece.most_pages:
            faults[n] = _over(Reason.TOO_MANY_PAGES, "has too many pages", count, piece.most_pages)
        elif count > piece.most_sheets:
            faults[n] = _over(Reason.TOO_HEAVY, "is too heavy", count, piece.most_sheets)
    if faults:
        raise PiecesRefused(faults)


def _over(reason: Reason, message: str, count: int, most: int) -> LetterError:
    return LetterError(reason, "letter", message, f"{count}/{most}")


def _wrapped(error: typst.TypstError) -> WriteError:
    """Typst quotes the text that it cannot show; the record must not."""
    message = str(error.message)
    if "could not be displayed with font" in message:
        text = "holds a character that no font of ours can print"
        return LetterError(Reason.GLYPH_MISSING, "letter", text)
    panic = _PANIC.search(message)
    if panic:
        return WriteError(panic[1], panic[2])
    return WriteError("letter", f"cannot be typeset: {message.splitlines()[0][:120]}")
