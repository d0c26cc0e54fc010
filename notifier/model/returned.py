"""Letters that the post brought back, and why."""

from enum import StrEnum
from typing import Final


class ReturnedReason(StrEnum):
    """What the post has stamped on an envelope. Labels: ``returned.<value>``."""

    NO_SUCH_ADDRESS = "no_such_address"
    MOVED_UNKNOWN = "moved_unknown"
    REFUSED = "refused"
    NOT_COLLECTED = "not_collected"
    FORWARDING_ENDED = "forwarding_ended"
    OTHER = "other"


_R = ReturnedReason
#: The words of the stamps, as Japan Post has them, and short forms that people type.
STAMPS: Final = {
    "あて所に尋ねあたりません": _R.NO_SUCH_ADDRESS,
    "あて所に尋ね当たりません": _R.NO_SUCH_ADDRESS,
    "宛所に尋ねあたりません": _R.NO_SUCH_ADDRESS,
    "宛先不明": _R.NO_SUCH_ADDRESS,
    "転居先不明": _R.MOVED_UNKNOWN,
    "受取拒否": _R.REFUSED,
    "受取拒絶": _R.REFUSED,
    "保管期間経過": _R.NOT_COLLECTED,
    "保管期間満了": _R.NOT_COLLECTED,
    "転送期間経過": _R.FORWARDING_ENDED,
    "その他": _R.OTHER,
    **{reason.value: reason for reason in _R},
}
