"""What can go wrong while writing."""


class WriteError(Exception):
    """A message cannot be written as it is; nothing of it may leave the house.

    ``field`` names what is at fault (a fact, ``recipient.email``, ``links`` …), ``message`` says
    why without quoting the value, so that it can be logged.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}")


class BadTemplate(Exception):
    """A file of a notice is missing or wrong; found when the writer starts."""

    def __init__(self, file: str, key: str, message: str) -> None:
        self.file, self.key, self.message = file, key, message
        super().__init__(": ".join(part for part in (file, key, message) if part))
