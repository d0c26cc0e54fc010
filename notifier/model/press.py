"""The press: whoever prints and posts letters, and how batches reach it."""

from datetime import time
from math import ceil
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_IN_FILE: Final = 1_000  # pieces
Encoding = Literal["utf-8", "cp932"]


class Sftp(BaseModel):
    """A server that takes batches by SFTP."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    username: Annotated[str, Field(min_length=1, max_length=64)]
    key_file: Path  # our private key, OpenSSH or PEM, without a passphrase
    known_hosts: Path  # the server's key, as in OpenSSH's known_hosts; no other is accepted
    folder: Annotated[str, Field(min_length=1, max_length=500)] = "."  # over there
    read_back: bool = True  # compare what arrived byte by byte; else only its size
    timeout: Annotated[float, Field(gt=0, le=3600)] = 60  # seconds without an answer


class Press(BaseModel):
    """What a press prints on and how it gets its work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cut_off: time = time(15)  # in Japan: a later collection belongs to the next business day
    hand_over_days: Annotated[int, Field(ge=0, le=20)] = 1  # business days until it posts
    prefecture: Annotated[str, Field(min_length=3, max_length=4)] = "東京都"  # where it posts
    encoding: Encoding = "utf-8"  # of the lists; UTF-8 with BOM
    pieces_per_file: Annotated[int, Field(ge=1, le=MOST_IN_FILE)] = 500
    processes: Annotated[int, Field(ge=1, le=64)] = 1  # that set type, 0.5 GB each
    duplex: bool = False  # two pages on a sheet
    recorded: tuple[str, ...] = ()  # notices whose letters are posted as 特定記録
    folder: Path | None = None  # batches are copied there
    sftp: Sftp | None = None  # or sent there; neither: the press fetches them

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.folder is not None and self.sftp is not None:
            raise ValueError("folder and sftp: one of them, not both")
        if self.cut_off.tzinfo is not None:
            raise ValueError("cut_off is a time in Japan, without a zone")
        return self

    def sheets(self, pages: int) -> int:
        """Sheets of paper that a letter takes."""
        return ceil(pages / 2) if self.duplex else pages
