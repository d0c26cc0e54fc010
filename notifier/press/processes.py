"""Setting type in processes of their own.

The typesetter keeps what it has laid out once: of a thousand letters some 600 MB, and the next
thousand add to it. A process for each file gives all of it back, and two of them use two cores.
"""

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from notifier.deliver.render import TemplateVersion
from notifier.model.correspondence import Correspondence
from notifier.model.reasons import Reason
from notifier.write.errors import LetterError, PiecesRefused, WriteError
from notifier.write.stationery import Stationery
from notifier.write.writer import Writer as OwnWriter

from .binding import TemplatesChanged
from .writing import Bulk, Writer

#: So many letters are set at once here: a process takes a second to begin.
_FEW: Final = 100

#: What is wrong with a letter, in a form that travels: reason, field, message, detail.
_Fault = tuple[Reason | None, str, str, str]
_Digests = dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class _Set:
    pdf: bytes
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Refused:
    faults: dict[int, _Fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """A writer that sets long files in a process of their own; safe to use from several threads."""

    inner: Writer
    templates: Path
    locales: Path

    @property
    def stationery(self) -> Stationery:
        """What letters are set on and with."""
        return self.inner.stationery

    def sample_like(self, c: Correspondence) -> Correspondence:
        """A letter of the same kind to a fictional reader."""
        return self.inner.sample_like(c)

    def version(self, notice: str, language: str) -> TemplateVersion:
        """What a notice is written from at present."""
        return self.inner.version(notice, language)

    def letters(self, many: Sequence[Correspondence]) -> Bulk:
        """Letters as one document, as :meth:`Writer.letters`.

        Raises :class:`TemplatesChanged`.
        """
        if len(many) <= _FEW:
            return self.inner.letters(many)
        kinds = {(c.notice, c.language) for c in many}
        wanted = {kind: self.version(*kind).digest for kind in kinds}
        given = (self.templates, self.locales, self.stationery, wanted, list(many))
        # A fresh one, not a copy of this process, whose locks may be held at this moment.
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=fresh) as pool:
            found = pool.submit(_set, *given).result()
        if isinstance(found, _Refused):
            raise PiecesRefused({n: _error(fault) for n, fault in found.faults.items()})
        return found


def _set(
    templates: Path,
    locales: Path,
    stationery: Stationery,
    wanted: _Digests,
    many: Sequence[Correspondence],
) -> _Set | _Refused:
    writer = OwnWriter(templates, locales, stationery)
    if {kind: writer.version(*kind).digest for kind in wanted} != wanted:
        raise TemplatesChanged("the templates were changed under a running program")
    try:
        made = writer.letters(many)
    except PiecesRefused as refused:
        return _Refused(_faults(refused.faults))
    except Exception as error:  # not every one can travel, and its text may quote a letter
        raise RuntimeError(f"the typesetter broke: {type(error).__name__}") from error
    return _Set(made.pdf, made.pages)


def _faults(faults: Mapping[int, WriteError]) -> dict[int, _Fault]:
    return {
        n: (e.reason, e.field, e.message, e.detail)
        if isinstance(e, LetterError)
        else (None, e.field, e.message, "")
        for n, e in faults.items()
    }


def _error(fault: _Fault) -> WriteError:
    reason, field, message, detail = fault
    if reason is None:
        return WriteError(field, message)
    return LetterError(reason, field, message, detail)
