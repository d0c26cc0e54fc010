"""Loggers. structlog, which takes long to load, is loaded for the first line that is logged.

``runtime.logging`` says where lines go and how they look; until then they go to nobody below a
warning, as the standard library has it.
"""

from typing import Any


class Logger:
    """``log.info("mail sent", message=5)``: an event and its fields; never personal data."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        return getattr(_library().get_logger(self._name), method)


def get_logger(name: str) -> Logger:
    """Return the logger of a module."""
    return Logger(name)


def processors() -> list[Any]:
    """Return what every line passes, be it ours or a library's."""
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def configure() -> None:
    """Have our lines go the way of the standard library's, even where something else was set."""
    import structlog

    structlog.configure(
        processors=[*processors(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _library() -> Any:
    import structlog

    if not structlog.is_configured():
        configure()
    return structlog
