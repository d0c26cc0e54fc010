"""The reader: bytes of a mail that came back in, a :class:`notifier.model.tracking.Reading` out.

Pure: the tables beside the modules are loaded once, and nothing else is read or written.
"""

from .reader import read

__all__ = ["read"]
