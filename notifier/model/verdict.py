"""What a gateway's error codes mean for the member."""

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """The three kinds of card error that a member is told about."""

    EXPIRY = "expiry"  # 1 有効期限エラー
    LIMIT = "limit"  # 2 ご利用限度額に関するエラー
    CARD_DATA = "card_data"  # 3 ご登録カード情報エラー


class Action(StrEnum):
    """What is to be done about a refused charge."""

    NOTIFY = "notify"  # write to the member
    SILENT_RETRY = "silent_retry"  # billing retries; no mail, a task if no outcome follows
    OPERATIONS = "operations"  # our data or contract; staff are told, the member is not
    AUTHENTICATION = "authentication"  # the card company wants the member present
    UNKNOWN = "unknown"  # no table has the code: a person decides


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows from the codes of one refusal."""

    category: Category | None  # only with NOTIFY
    action: Action
    ask_card_company: bool = False  # only the card company can tell the member why
    code: str = ""  # the code that counted
    unknown: tuple[str, ...] = ()  # codes that no table has
