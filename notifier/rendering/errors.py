"""What can go wrong while writing."""

from collections.abc import Mapping

from notifier.model.reasons import Reason


class WriteError(Exception):
    """A message cannot be written as it is; nothing of it may leave the house.

    ``field`` names what is at fault (a fact, ``recipient.email``, ``links`` …), ``message`` says
    why without quoting the value, so that it can be logged.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.field, self.message)


class LetterError(WriteError):
    """A letter that must not be posted as it is, for a reason of its own."""

    def __init__(self, reason: Reason, field: str, message: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail  # what a person needs to find it: ``U+1F600``, ``7/6``; no text
        super().__init__(field, message)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.reason, self.field, self.message, self.detail)


class LimitExceeded(LetterError):
    """A template asks for more than the limits allow; of mails and letters alike.

    ``field`` is the file once it is known, and ``line`` the line of it (0: unknown).
    """

    def __init__(self, message: str, field: str = "template", line: int = 0) -> None:
        self.line = line
        super().__init__(Reason.RENDER_LIMIT, field, message)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.message, self.field, self.line)


class PiecesRefused(Exception):
    """Letters that cannot go out, among many: by their place, counted from 0.

    The others can be typeset without them.
    """

    def __init__(self, faults: Mapping[int, WriteError]) -> None:
        self.faults = faults
        super().__init__(f"{len(faults)} letters cannot be written")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (dict(self.faults),)


class BadTemplate(Exception):
    """A file of a notice is missing or wrong; found when the writer starts."""

    def __init__(self, file: str, key: str, message: str) -> None:
        self.file, self.key, self.message = file, key, message
        super().__init__(": ".join(part for part in (file, key, message) if part))
