"""The writer: from a :class:`Correspondence` to a mail or a letter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from notifier.model.correspondence import Correspondence
from notifier.model.notice import Notice
from notifier.model.states import Channel
from notifier.model.template_version import TemplateVersion
from notifier.rendering import context
from notifier.rendering.errors import BadTemplate, WriteError
from notifier.rendering.folder import Folder, read_folders
from notifier.rendering.labels import DEFAULT_LANGUAGE, LABELS, Labels
from notifier.rendering.letter.letters import Letters
from notifier.rendering.mail import mime
from notifier.rendering.mail.mime import SILENT, Stream
from notifier.rendering.samples import PLAIN, read_samples
from notifier.rendering.skeleton import in_bytes
from notifier.rendering.stationery import Stationery
from notifier.rendering.text import links
from notifier.rendering.text.japanese import addressee
from notifier.rendering.wording import Wording
from notifier.rendering.written import Bulk, WrittenLetter, WrittenMail

_LANGUAGE: Final = DEFAULT_LANGUAGE
_STATIONERY: Final = Stationery()
_SCREEN: Final = 110  # dots an inch of a preview


class Writer:
    """All notices, each in one version, compiled once. Safe to use from several threads."""

    def __init__(
        self,
        templates: Path,
        locales: Path | None = None,
        stationery: Stationery = _STATIONERY,
        scratch: Path | None = None,
    ) -> None:
        """Read every notice under ``templates/<language>/``.

        ``scratch``: a folder for files that are needed while letters are set; else one for all
        programs of the machine.

        ``locales`` is read for labels instead of the program's own. Raises :class:`BadTemplate`,
        which names the file and the key that is wrong, so that it is found before a member is.
        """
        words = Labels(locales) if locales else LABELS
        self._begin(read_folders(templates), words, stationery, scratch, edited=False)

    @classmethod
    def of(
        cls,
        folders: Iterable[Folder],
        stationery: Stationery = _STATIONERY,
        scratch: Path | None = None,
    ) -> "Writer":
        """A writer of versions alone, each with the files that were its own."""
        made = object.__new__(cls)
        known = {(f.language, f.notice.name): f for f in folders}
        made._begin(known, LABELS, stationery, scratch)
        return made

    def _begin(
        self,
        folders: Mapping[tuple[str, str], Folder],
        words: Labels,
        stationery: Stationery,
        scratch: Path | None,
        *,
        edited: bool = True,
    ) -> None:
        self._labels = words
        self._wordings = {k: Wording(f, words, edited=edited) for k, f in folders.items()}
        self._unusable: Mapping[tuple[str, str], BadTemplate] = {}
        self.stationery, self.scratch = stationery, scratch
        self._letters = Letters(stationery, self._wording_of, scratch=scratch)

    def with_versions(
        self,
        wordings: Iterable[Wording],
        unusable: Mapping[tuple[str, str], BadTemplate] = MappingProxyType({}),
    ) -> "Writer":
        """A writer that has these in place of its own; all else is shared with this one.

        What is ``unusable``, by (language, notice), is never written from anything else instead:
        it raises :class:`WriteError`.
        """
        made = object.__new__(Writer)
        made._labels = self._labels
        made._wordings = {**self._wordings, **{w.key: w for w in wordings}}
        made._unusable = dict(unusable)
        made.stationery, made.scratch = self.stationery, self.scratch
        made._letters = self._letters.of(made._wording_of)
        return made

    def wording(self, folder: Folder) -> Wording:
        """A version, compiled for :meth:`with_versions`. Raises :class:`BadTemplate`."""
        own = self._wordings.get((folder.language, folder.notice.name))
        same = own is not None and not own.edited and own.folder.digest == folder.digest
        return Wording(folder, self._labels, edited=not same)

    @property
    def notices(self) -> Mapping[str, Notice]:
        """What there is to say in the house's own language, by name."""
        found = {
            name: w.folder.notice
            for (language, name), w in self._wordings.items()
            if language == _LANGUAGE
        }
        return MappingProxyType(found)

    @property
    def folders(self) -> Mapping[tuple[str, str], Folder]:
        """The files of all notices, by (language, name)."""
        return {key: w.folder for key, w in self._wordings.items()}

    def version(self, notice: str, language: str = _LANGUAGE) -> TemplateVersion:
        """The files that a notice is written from now; kept with what was written."""
        return self._folder(notice, language).version

    def sample(self, notice: str, step: str, language: str = _LANGUAGE) -> Correspondence:
        """A sample message, for previews and tests."""
        return self.samples(notice, step, language)[PLAIN]

    def samples(
        self, notice: str, step: str, language: str = _LANGUAGE
    ) -> Mapping[str, Correspondence]:
        """All samples of a step by name: ``plain``, and the extremes that its notice names."""
        folder = self._folder(notice, language)
        if step not in folder.notice.steps:
            raise WriteError("step", f"{notice} has no such step")
        return read_samples(folder, step)

    def sample_like(self, c: Correspondence) -> Correspondence:
        """The sample of the same notice and step, from the same brand and scheme."""
        sample = self.sample(c.notice, c.step, c.language)
        return replace(sample, brand=c.brand, scheme_name=c.scheme_name, group_no=c.group_no)

    def mail(
        self,
        c: Correspondence,
        *,
        token: str,
        message_id: str,
        date: datetime | None = None,
        stream: Stream = SILENT,
    ) -> WrittenMail:
        """The mail: text and HTML of equal content, and the message for DATA.

        ``token`` (letters and digits) parts the message's parts, so that the same arguments give
        the same bytes; ``date`` defaults to ``c.written_at``; ``stream`` is what mail providers
        are told. Raises :class:`WriteError`.
        """
        folder = self._folder(c.notice, c.language)
        subject, text, html = self._bodies(c, folder)
        if not subject.strip():
            raise WriteError("subject", "is empty")
        head = _headers(
            c,
            date or c.written_at,
            language=folder.language,
            subject=subject.decode(),
            message_id=message_id,
            more=stream.lines(c, folder.notice, token),
        )
        return WrittenMail.of(head.subject, mime.build(head, text, html, boundary=token))

    def _bodies(self, c: Correspondence, folder: Folder) -> tuple[bytes, bytes, bytes]:
        """Subject, text and HTML: from a skeleton where there is one, else by the templates."""
        wording = self._wordings[folder.language, folder.notice.name]
        prepared = wording.prepared
        found = prepared.find(c, context.issued_on(c.written_at))
        if found is not None and found.skeleton is not None:
            return found.skeleton.fill(found.leaves)
        values = context.values(c, folder.notice, Channel.EMAIL)
        pages = wording.phrases.mail(c.step, values)
        links.check_text(f"{pages.subject}\n{pages.text}", c.brand.allowed_domains)
        links.check_html(pages.html, c.brand.allowed_domains)
        made = in_bytes(pages)
        if found is not None:
            prepared.offer(found, c, values, made)
        return made

    def letter(self, c: Correspondence) -> WrittenLetter:
        """The letter as PDF/A-2b, A4. Raises :class:`WriteError`.

        What must not be posted, though it can be written, raises :class:`LetterError` with the
        reason: a character without a glyph, an address too long for the window, too many pages.
        """
        made = self._letters.one(c)
        return WrittenLetter(made.pdf, made.pages[0])

    def letters(self, many: Sequence[Correspondence]) -> Bulk:
        """Up to 1,000 letters in one PDF/A-2b, in order; each has page numbers of its own.

        The same letters give the same bytes. Raises :class:`PiecesRefused` with every letter that
        must not go out and why, by its place; the rest can be written without them.
        """
        return self._letters.many(many)

    def check_letter(self, c: Correspondence) -> None:
        """Whether a letter may go, as far as can be told without typesetting (0.2 ms).

        Raises what :meth:`letter` would; only its number of pages and what depends on it show
        when it is set.
        """
        self._letters.piece(c)

    def letter_png(self, c: Correspondence, ppi: int = _SCREEN) -> list[bytes]:
        """The letter as one PNG a page. Raises :class:`WriteError`."""
        return self._letters.png(c, ppi)

    def _folder(self, notice: str, language: str) -> Folder:
        return self._wording(notice, language).folder

    def _wording_of(self, c: Correspondence) -> Wording:
        return self._wording(c.notice, c.language)

    def _wording(self, notice: str, language: str) -> Wording:
        for key in ((language, notice), (_LANGUAGE, notice)):
            if key in self._unusable:
                raise WriteError("templates", str(self._unusable[key]))
            if key in self._wordings:
                return self._wordings[key]
        raise WriteError("notice", "there is no such notice")


def _headers(
    c: Correspondence,
    date: datetime,
    *,
    language: str,
    subject: str,
    message_id: str,
    more: tuple[str, ...],
) -> mime.Headers:
    context.issued_on(date)  # refuses a date without a zone
    recipient, brand = c.recipient, c.brand
    return mime.Headers(
        sender=mime.Mailbox(
            field="brand.sender", name=brand.sender_name, address=brand.sender_address
        ),
        to=mime.Mailbox(
            field="recipient.email",
            name=addressee(recipient.name, recipient.honorific),
            address=recipient.email,
        ),
        reply_to=brand.reply_to,
        subject=subject,
        date=date.astimezone(context.JAPAN),
        message_id=message_id,
        language=language,
        more=more,
    )
