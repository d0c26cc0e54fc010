"""How much of a mail is looked at. What is beyond is not read, and the reading says ``cut``."""

from typing import Final

BYTES: Final = 1_500_000  # of the mail
HEADER_BYTES: Final = 65_536  # of one block of headers
FIELDS: Final = 400  # of one block of headers
VALUE: Final = 4_000  # characters of one field
PARTS: Final = 100  # of the whole mail
DEPTH: Final = 8  # of multiparts in multiparts
NOTICE: Final = 40_000  # characters of what the reporting server wrote
LINES: Final = 600  # lines of it
REPORT: Final = 400_000  # bytes of a delivery-status part
FINDINGS: Final = 200  # recipients
REPLY: Final = 1_000  # characters kept of a server's words
SUBJECT: Final = 500
TEXT: Final = 20_000
