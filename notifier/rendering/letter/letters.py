"""Letters: checked before they are set, one or many in a document."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from notifier.model.correspondence import Correspondence
from notifier.model.scheme import Brand
from notifier.model.states import Channel
from notifier.postal.address import barcode_of
from notifier.rendering import context
from notifier.rendering.errors import BadTemplate, LimitExceeded, PiecesRefused, WriteError
from notifier.rendering.folder import BASE
from notifier.rendering.letter.checks import as_json, check_glyphs, check_postcode
from notifier.rendering.letter.parts import Parts, parts_of
from notifier.rendering.letter.setting import Setting
from notifier.rendering.letter.typeface import typeface
from notifier.rendering.letter.window import fit
from notifier.rendering.pdf.fonts import Unreadable
from notifier.rendering.pdf.layout_check import check_number, check_pages
from notifier.rendering.pdf.reader import Pages
from notifier.rendering.sheet import Piece, addressed, paper
from notifier.rendering.stationery import ENVELOPES, Envelope, Stationery
from notifier.rendering.text import limits, links
from notifier.rendering.wording import Wording
from notifier.rendering.written import Bulk

_TOOLS: Final = f"{BASE}/tools.typ"
_SHEET: Final = f"{BASE}/sheet.typ"
_KEPT: Final = 64  # frames


class Letters:
    """Writes the letters of all notices. Safe to use from several threads."""

    def __init__(
        self,
        stationery: Stationery,
        wording_of: Callable[[Correspondence], Wording],
        setting: Setting | None = None,
        scratch: Path | None = None,
    ) -> None:
        """Raises :class:`BadTemplate` for an envelope that is not known or a font not there."""
        if stationery.envelope not in ENVELOPES:
            known = ", ".join(sorted(ENVELOPES))
            raise BadTemplate("letter_envelope", "", f"is not one of {known}")
        self._stationery, self._wording_of = stationery, wording_of
        self._face = setting.face if setting else typeface(stationery)
        self._setting = setting or Setting(self._face, scratch=scratch)
        self._frames = lru_cache(_KEPT)(self._framed)

    def of(self, wording_of: Callable[[Correspondence], Wording]) -> "Letters":
        """The same with other wording; the typesetter is shared."""
        return Letters(self._stationery, wording_of, self._setting)

    def piece(self, c: Correspondence) -> Piece:
        """A letter with all checks that need no typesetting.

        Raises :class:`WriteError`, most of all the :class:`LetterError` that tells why.
        """
        wording, envelope = self._wording_of(c), self._envelope(c)
        folder, notice = wording.folder, wording.folder.notice
        words = words_of(c, wording)
        postcode, bars = context.postcode(c), _bars(c)
        block = fit(c.recipient, envelope, self._face, barcode=bool(bars))
        own = {"number": c.number, "to": addressed(c.recipient, postcode, block, bars)}
        written = self._checked(own, c.brand)
        check_postcode(c)
        if wording.typst_fault:
            raise wording.typst_fault
        worded = self._setting.checked.written(words, c.brand.allowed_domains)
        if len(worded) > limits.DATA:
            raise LimitExceeded(
                f"has more than {limits.DATA} characters", f"{notice.name}/words.txt"
            )
        return Piece(
            kind=(folder.language, notice.name, c.step),
            tools=folder.files[_TOOLS],
            source=folder.files[_SHEET] + folder.source("letter.typ", c.step),
            data=f'{written[:-1]},{self._frame(c, envelope, folder.language)},"words":{worded}}}',
            title=json.loads(str(words["heading"])),
            author=c.brand.association,
            written_at=c.written_at,
            most_pages=notice.pages or self._stationery.most_pages,
            most_sheets=envelope.sheets_within(self._stationery.sheet_g),
            edited=wording.edited,
        )

    def one(self, c: Correspondence) -> Bulk:
        """One letter, looked at when it is finished. Raises :class:`WriteError`."""
        try:
            made = self._setting.bulk([self.piece(c)])
        except PiecesRefused as refused:
            raise refused.faults[0] from None
        try:
            sheets = Pages(made.pdf)
            pages = [[*sheets.drawn(place)] for place in range(len(sheets))]
            check_number(pages, c)
            margin, descent = self._stationery.unprintable_mm, self._face.descent
            check_pages(pages, c, self._envelope(c), margin, descent)
        except Unreadable as error:
            raise WriteError("letter", f"cannot be looked at: {error}") from None
        return made

    def many(self, many: Sequence[Correspondence]) -> Bulk:
        """Many in one document. Raises :class:`PiecesRefused` with all that cannot go out.

        What is finished is for whoever binds it to look at, page by page.
        """
        pieces: list[Piece] = []
        faults: dict[int, WriteError] = {}
        for n, c in enumerate(many):
            try:
                pieces.append(self.piece(c))
            except WriteError as error:
                faults[n] = error
        if faults:
            raise PiecesRefused(faults)
        return self._setting.bulk(pieces)

    def png(self, c: Correspondence, ppi: int) -> list[bytes]:
        """One picture a page. Raises :class:`WriteError`."""
        try:
            return self._setting.png(self.piece(c), ppi)
        except PiecesRefused as refused:
            raise refused.faults[0] from None

    def _frame(self, c: Correspondence, envelope: Envelope, language: str) -> str:
        """What letters of a brand and day have in common, as JSON without its braces."""
        return self._frames(language, c.step, context.issued_on(c.written_at), c.brand, envelope)

    def _framed(self, language: str, step: str, day: date, brand: Brand, envelope: Envelope) -> str:
        rest = {
            **context.sheet(language, step, day, brand),
            **paper(envelope, self._face, fold_marks=self._stationery.fold_marks),
        }
        return self._checked(rest, brand)[1:-1]

    def _checked(self, data: Mapping[str, Any], brand: Brand) -> str:
        """Data as JSON. Raises :class:`WriteError` for what cannot be printed or linked."""
        written = as_json(data)
        check_glyphs(data, written, self._face)
        links.check_text("\n".join(_texts(data)), brand.allowed_domains)
        return written

    def _envelope(self, c: Correspondence) -> Envelope:
        try:
            return ENVELOPES[c.brand.envelope or self._stationery.envelope]
        except KeyError:
            raise WriteError("brand.envelope", "is not known") from None


def words_of(c: Correspondence, wording: Wording) -> Parts:
    """The words of a letter: from a skeleton where there is one, else by the templates.

    Raises :class:`WriteError`.
    """
    found = wording.letters.find(c, context.issued_on(c.written_at))
    if found is not None and found.skeleton is not None:
        return found.skeleton.fill(found.leaves)
    values = context.values(c, wording.folder.notice, Channel.LETTER)
    words = parts_of(wording.phrases.plain_words(c.step, values))
    if found is not None:
        wording.letters.offer(found, c, values, words)
    return words


def _bars(c: Correspondence) -> str:
    """The customer barcode, where the address has one."""
    found = barcode_of(c.recipient.address) if c.recipient.address else None
    return found.bars if found else ""


def _texts(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    many = isinstance(data, list | tuple)
    items = data.values() if isinstance(data, dict) else data if many else ()
    return [text for item in items for text in _texts(item)]
