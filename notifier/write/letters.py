"""Letters: checked before they are set, one or many in a document."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

from notifier.model.correspondence import Correspondence
from notifier.model.states import Channel
from notifier.post.address import barcode_of
from notifier.write import context, links
from notifier.write.checks import Wording, as_json, check_glyphs, check_postcode
from notifier.write.drawn import Pages
from notifier.write.envelope import ENVELOPES, Envelope
from notifier.write.errors import BadTemplate, PiecesRefused, WriteError
from notifier.write.folder import BASE
from notifier.write.glyphs import Unreadable
from notifier.write.ink import check_pages
from notifier.write.sheet import Piece, addressed, paper
from notifier.write.stationery import Stationery
from notifier.write.typeface import Typeface, typeface
from notifier.write.typesetter import Typesetter
from notifier.write.window import fit
from notifier.write.words import Phrases
from notifier.write.written import Bulk

_TOOLS: Final = f"{BASE}/tools.typ"
_SHEET: Final = f"{BASE}/sheet.typ"


class Letters:
    """Writes the letters of all notices. Safe to use from several threads."""

    def __init__(
        self,
        stationery: Stationery,
        phrases_of: Callable[[Correspondence], Phrases],
        setting: "_Setting | None" = None,
    ) -> None:
        """Raises :class:`BadTemplate` for an envelope that is not known or a font not there."""
        if stationery.envelope not in ENVELOPES:
            known = ", ".join(sorted(ENVELOPES))
            raise BadTemplate("letter_envelope", "", f"is not one of {known}")
        self._stationery, self._phrases_of = stationery, phrases_of
        self._face = setting.face if setting else typeface(stationery)
        self._setting = setting or _Setting(self._face)

    def of(self, phrases_of: Callable[[Correspondence], Phrases]) -> "Letters":
        """The same with other wording; the typesetter is shared."""
        return Letters(self._stationery, phrases_of, self._setting)

    @property
    def _typesetter(self) -> Typesetter:
        return self._setting.typesetter

    def piece(self, c: Correspondence) -> Piece:
        """A letter with all checks that need no typesetting.

        Raises :class:`WriteError`, most of all the :class:`LetterError` that tells why.
        """
        phrases, envelope = self._phrases_of(c), self._envelope(c)
        notice = phrases.folder.notice
        words = phrases.plain_words(c.step, context.values(c, notice, Channel.LETTER))
        postcode, bars = context.postcode(c), _bars(c)
        block = fit(c.recipient, envelope, self._face, barcode=bool(bars))
        rest = {
            "to": addressed(c.recipient, postcode, block, bars),
            **context.sheet(c),
            **paper(envelope, self._face, fold_marks=self._stationery.fold_marks),
        }
        written = as_json(rest)
        check_glyphs(rest, written, self._face)
        links.check_text("\n".join(_texts(rest)), c.brand.allowed_domains)
        check_postcode(c)
        worded = self._setting.wording.written(words, c.brand.allowed_domains)
        return Piece(
            kind=(phrases.folder.language, notice.name, c.step),
            tools=phrases.folder.files[_TOOLS],
            source=phrases.folder.files[_SHEET] + phrases.folder.source("letter.typ", c.step),
            data=f'{written[:-1]},"words":{worded}}}',
            title=words["heading"],
            author=c.brand.association,
            written_at=c.written_at,
            most_pages=notice.pages or self._stationery.most_pages,
            most_sheets=envelope.sheets_within(self._stationery.sheet_g),
        )

    def one(self, c: Correspondence) -> Bulk:
        """One letter, looked at when it is finished. Raises :class:`WriteError`."""
        try:
            made = self._typesetter.bulk([self.piece(c)])
        except PiecesRefused as refused:
            raise refused.faults[0] from None
        try:
            sheets = Pages(made.pdf)
            pages = [sheets.drawn(place) for place in range(len(sheets))]
            check_pages(pages, c, self._envelope(c), self._stationery.unprintable_mm)
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
        return self._typesetter.bulk(pieces)

    def png(self, c: Correspondence, ppi: int) -> list[bytes]:
        """One picture a page. Raises :class:`WriteError`."""
        try:
            return self._typesetter.png(self.piece(c), ppi)
        except PiecesRefused as refused:
            raise refused.faults[0] from None

    def _envelope(self, c: Correspondence) -> Envelope:
        try:
            return ENVELOPES[c.brand.envelope or self._stationery.envelope]
        except KeyError:
            raise WriteError("brand.envelope", "is not known") from None


class _Setting:
    """A typesetter that is made when it is needed: many processes never set a letter."""

    def __init__(self, face: Typeface) -> None:
        self.face = face
        self.wording = Wording(face)

    @cached_property
    def typesetter(self) -> Typesetter:
        return Typesetter(self.face)


def _bars(c: Correspondence) -> str:
    """The customer barcode, where the address has one."""
    found = barcode_of(c.recipient.address) if c.recipient.address else None
    return found.bars if found else ""


def _texts(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [text for item in items for text in _texts(item)]
