"""Mailings: the same said to each member of a cohort."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .states import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """What is said to a cohort. Its name makes it one: the same name twice adds nothing."""

    name: str
    scheme: str
    notice: str
    step: str
    channel: Channel
    facts: Mapping[str, Any]
