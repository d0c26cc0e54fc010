"""Setting: letters of the program's own templates here, those of edited ones apart.

What breaks the limits is one letter's fault, or that of all of its kind: the others go on.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from notifier.rendering.errors import LimitExceeded, PiecesRefused, WriteError
from notifier.rendering.letter.checks import Checked
from notifier.rendering.letter.confined import Confined
from notifier.rendering.letter.typeface import Typeface
from notifier.rendering.sheet import Piece
from notifier.rendering.text import limits
from notifier.rendering.written import Bulk

if TYPE_CHECKING:
    from notifier.rendering.letter.typesetter import Typesetter

_Kind = tuple[tuple[str, str, str], str, str]  # of a piece: language, notice, step; its sources


class Setting:
    """Typesetters that are made when they are needed: many processes never set a letter."""

    def __init__(
        self, face: Typeface, seconds: float = limits.SECONDS, *, scratch: Path | None = None
    ) -> None:
        """``seconds`` of processor time for a document of edited letters.

        ``scratch``: where sources of letters lie while they are set; None: among temporary files.
        """
        self.face, self._seconds, self._scratch = face, seconds, scratch
        self.checked: Final = Checked(face)

    @cached_property
    def _here(self) -> "Typesetter":
        from notifier.rendering.letter.typesetter import Typesetter  # Typst alone has 7 MB

        return Typesetter(self.face, self._scratch)

    @cached_property
    def _apart(self) -> Confined:
        return Confined(self.face, self._seconds, self._scratch)

    def bulk(self, pieces: Sequence[Piece]) -> Bulk:
        """As :meth:`Typesetter.bulk`; what breaks limits is among the refused pieces."""
        if not any(piece.edited for piece in pieces):
            return self._here.bulk(pieces)
        try:
            return self._apart.bulk(pieces)
        except LimitExceeded as error:
            raise PiecesRefused(_Search(self._apart, pieces, error).faults()) from None

    def png(self, piece: Piece, ppi: int) -> list[bytes]:
        """As :meth:`Typesetter.png`."""
        if not piece.edited:
            return self._here.png(piece, ppi)
        try:
            return self._apart.png(piece, ppi)
        except LimitExceeded as error:
            raise PiecesRefused({0: _named(piece, error)}) from None


class _Search:
    """Which of many letters break the limits: some of each kind alone first, then by halves."""

    def __init__(self, apart: Confined, pieces: Sequence[Piece], error: LimitExceeded) -> None:
        self._apart, self._pieces, self._error = apart, pieces, error
        self._faults: dict[int, WriteError] = {}
        self._broken: Counter[_Kind] = Counter()

    def faults(self) -> dict[int, WriteError]:
        """By place; none is without a fault if nothing else explains what happened."""
        edited = [n for n, piece in enumerate(self._pieces) if piece.edited]
        if len(self._pieces) == 1:
            return {0: _named(self._pieces[0], self._error)}
        tried: Counter[_Kind] = Counter()
        for n in edited:
            kind = _kind(self._pieces[n])
            tried[kind] += 1
            if tried[kind] <= limits.BLAMED and tried[kind] == self._broken[kind] + 1:
                self._look([n])
        rest = [n for n in edited if n not in self._faults]
        if len(rest) < len(self._pieces):
            self._look(rest)
        else:
            self._halve(rest, self._error)
        if not self._faults:  # each can be set, and yet not all of them together
            for n in edited:
                self._blame(n, self._error)
        return self._faults

    def _look(self, places: Sequence[int]) -> None:
        """Find what is wrong among these."""
        rest = [n for n in places if not self._is_given_up(n)]
        if not rest:
            return
        try:
            self._apart.bulk([self._pieces[n] for n in rest])
        except PiecesRefused as refused:
            self._faults |= {rest[n]: fault for n, fault in refused.faults.items()}
        except WriteError as error:
            self._halve(rest, error)

    def _halve(self, places: Sequence[int], error: WriteError) -> None:
        """Find what is wrong among these, which cannot be set together."""
        if len(places) == 1:
            self._blame(places[0], error)
            return
        before, middle = len(self._faults), len(places) // 2
        self._look(places[:middle])
        self._look(places[middle:])
        if len(self._faults) == before:  # each half is possible, and both together are not
            for n in places:
                self._blame(n, error)

    def _is_given_up(self, n: int) -> bool:
        if self._broken[_kind(self._pieces[n])] < limits.BLAMED:
            return False
        self._blame(n, self._error)
        return True

    def _blame(self, n: int, error: WriteError) -> None:
        is_limit = isinstance(error, LimitExceeded)
        self._broken[_kind(self._pieces[n])] += is_limit
        self._faults[n] = _named(self._pieces[n], error) if is_limit else error


def _kind(piece: Piece) -> _Kind:
    return piece.kind, piece.tools, piece.source


def _named(piece: Piece, error: WriteError) -> LimitExceeded:
    return LimitExceeded(error.message, f"{piece.kind[1]}/letter.typ")
