"""How long is kept what would grow without bound. What has not been sent is never touched."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

_MEGABYTE: Final = 1_000_000


class Retention(BaseModel):
    """Rules by which the record and the logs of the engines are tidied."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Of the texts of events, once they are decided and everything that they caused has ended.
    payload_days: Annotated[int, Field(ge=90, le=36_500)] = 1_095
    #: Of the bytes of what came back, once it has taken effect or was put aside.
    return_days: Annotated[int, Field(ge=30, le=36_500)] = 400
    #: Of the bytes of what came back, waits for a person, and was looked at by nobody.
    unread_return_days: Annotated[int, Field(ge=30, le=36_500)] = 180
    #: Of a log of an embedded engine; as much again is kept of what came before.
    engine_log_megabytes: Annotated[int, Field(ge=1, le=1_000)] = 20

    @property
    def payloads(self) -> timedelta:
        """How long the text of an event is kept."""
        return timedelta(days=self.payload_days)

    @property
    def returns(self) -> timedelta:
        """How long the bytes of a return are kept that is dealt with."""
        return timedelta(days=self.return_days)

    @property
    def unread_returns(self) -> timedelta:
        """How long the bytes of a return are kept that waits for a person."""
        return timedelta(days=self.unread_return_days)

    @property
    def engine_log_bytes(self) -> int:
        """After which a log begins anew."""
        return self.engine_log_megabytes * _MEGABYTE
