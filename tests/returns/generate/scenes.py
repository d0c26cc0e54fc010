"""What is sent to whom, what happens to it, and what is therefore true of the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from notifier.demo.misbehaviour import Rule, Stage
from notifier.model.tracking import BounceReason, ReturnKind

MEMBER: Final = "member.example.jp"  # refuses as :data:`RULES` say, takes everything else
BOUNCE: Final = "bounce.example.jp"  # where reports go
GREET: Final = "greet.example.jp"  # greets with 554
AWAY: Final = "away.example.jp"  # nobody listens
LOCAL: Final = "local.example.jp"  # the server's own; has the user ``kaiin``
NOWHERE: Final = "nowhere.example.jp"  # not in DNS
LOOP: Final = "loop.example.jp"  # leads back to the server


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is true of one recipient; ``hard`` None where words leave it open."""

    reason: BounceReason | None = None
    hard: bool | None = None
    also: tuple[BounceReason, ...] = ()
    kind: ReturnKind = ReturnKind.BOUNCED
    level: str | None = None

    def truth(self, recipient: str) -> dict[str, Any]:
        """A finding as the manifest has it; the status is read from the report."""
        known = {"recipient": recipient, "kind": self.kind, "reason": self.reason}
        more = {"also": list(self.also)} if self.also else {}
        return {**known, "hard": self.hard, **more, **({"level": self.level} if self.level else {})}


@dataclass(frozen=True, slots=True)
class Scene:
    """One mail."""

    name: str
    outcomes: Mapping[str, Outcome]  # by recipient; those that are not in the report are left out
    others: tuple[str, ...] = ()  # recipients who get it
    notify: str = "FAILURE"
    japanese: str = "utf-8"  # the charset of the mail
    hasty: bool = False  # needs a server that gives up soon
    patient: bool = False  # needs a server that warns soon


_R = BounceReason
_REPLIES: Final[dict[str, tuple[Stage, str, Outcome]]] = {
    "unknown": (Stage.RCPT, "550 5.1.1 User unknown", Outcome(_R.USER_UNKNOWN, True)),
    "full": (Stage.RCPT, "552 5.2.2 Mailbox full", Outcome(_R.MAILBOX_FULL, False)),
    "closed": (Stage.RCPT, "550 5.2.1 This account has been disabled", Outcome(_R.SUSPENDED, True)),
    "gone": (
        Stage.RCPT,
        "551 5.1.6 User has moved; please try <shin@hikkoshi.example.jp>",
        Outcome(_R.MOVED, True),
    ),
    "listed": (
        Stage.RCPT,
        "554 5.7.1 Service unavailable; client host blocked using zen.spamhaus.org",
        Outcome(_R.BLOCKED, False),
    ),
    "relay": (Stage.RCPT, "554 5.7.1 Relay access denied", Outcome(_R.RELAYING)),
    "lines": (
        Stage.RCPT,
        (
            "550-5.1.1 We know nobody of that name here.\r\n550-5.1.1 Please look at the\r\n"
            "550 5.1.1 spelling of the address."
        ),
        Outcome(_R.USER_UNKNOWN, True),
    ),
    "plain": (Stage.RCPT, "550 no such user here", Outcome(_R.USER_UNKNOWN, True)),
    "spam": (Stage.END, "554 5.7.1 Message looks like spam", Outcome(_R.SPAM, False)),
    "big": (Stage.END, "552 5.3.4 Message is too big", Outcome(_R.TOO_BIG, False)),
    "virus": (Stage.END, "554 5.7.1 Virus Eicar-Test-Signature found", Outcome(_R.VIRUS, False)),
    "dmarc": (
        Stage.END,
        "550 5.7.1 Rejected by the DMARC policy of example.jp",
        Outcome(_R.AUTHENTICATION, False),
    ),
    "keitai": (
        Stage.END,
        "550 Unknown user keitai@member.example.jp",
        Outcome(_R.USER_UNKNOWN, None, (_R.FILTERED, _R.REJECTED)),
    ),
}
_LATER: Final[dict[str, tuple[str, Outcome]]] = {
    "waiting": ("452 4.2.2 Mailbox full, try later", Outcome(_R.MAILBOX_FULL, False)),
    "busy": (
        "451 4.7.1 Too many messages from you, slow down",
        Outcome(_R.RATE, False),
    ),
}
RULES: Final = (
    Rule(stage=Stage.MAIL, address="b+sender*", reply="553 5.1.8 Sender address not taken here"),
    *(
        Rule(stage=stage, address=f"{who}@{MEMBER}", reply=reply)
        for who, (stage, reply, _) in _REPLIES.items()
    ),
    *(
        Rule(stage=Stage.RCPT, address=f"{who}@{MEMBER}", reply=reply)
        for who, (reply, _) in _LATER.items()
    ),
)


def _expired(told: Outcome) -> Outcome:
    """The outcome after time was up."""
    assert told.reason is not None
    return Outcome(_R.EXPIRED, False, (told.reason, _R.NETWORK))


def _delayed(told: Outcome) -> Outcome:
    return Outcome(told.reason, False, (*told.also, _R.EXPIRED), ReturnKind.DELAYED)


_AWAY_NOW: Final = Outcome(_R.NETWORK, False, (_R.EXPIRED,))


def _at(who: str, outcome: Outcome, domain: str = MEMBER) -> dict[str, Outcome]:
    return {f"{who}@{domain}": outcome}


@dataclass(slots=True)
class _Charsets:
    """Every other mail is an old one."""

    turn: int = field(default=0)

    def next(self) -> str:
        self.turn += 1
        return "iso-2022-jp" if self.turn % 3 == 0 else "utf-8"


def scenes() -> list[Scene]:
    """All of them, in order."""
    charset = _Charsets()
    told = {who: outcome for who, (_, _, outcome) in _REPLIES.items()}
    several = _at("unknown", told["unknown"]) | _at("full", told["full"])
    # Exim says the same of a user and of a host that it does not know.
    nobody = Outcome(_R.USER_UNKNOWN, True, (_R.HOST_UNKNOWN,))
    all_sorts = several | _at("dareka", nobody, LOCAL)
    later = {who: outcome for who, (_, outcome) in _LATER.items()}
    relayed = Outcome(kind=ReturnKind.DELIVERED, level="next_accepted")
    mailbox = Outcome(kind=ReturnKind.DELIVERED, level="mailbox")
    return [
        *(Scene(who, _at(who, one), japanese=charset.next()) for who, one in told.items()),
        Scene("several", several),
        Scene("some", _at("unknown", told["unknown"]), others=(f"taken@{MEMBER}",)),
        Scene("sorts", all_sorts, japanese="iso-2022-jp"),
        Scene("sender", _at("taken", Outcome(_R.REJECTED, False))),
        Scene("greet", _at("rei", Outcome(_R.BLOCKED, False, (_R.REJECTED, _R.POLICY)), GREET)),
        Scene("local", _at("dareka", nobody, LOCAL)),
        Scene("nowhere", _at("rei", Outcome(_R.HOST_UNKNOWN, True), NOWHERE)),
        Scene("loop", _at("rei", Outcome(_R.LOOP, also=(_R.ON_HOLD,)), LOOP)),  # Exim: no word
        Scene("relayed", _at("taken", relayed), notify="SUCCESS,FAILURE"),
        Scene("mailbox", _at("kaiin", mailbox, LOCAL), notify="SUCCESS,FAILURE"),
        *(Scene(who, _at(who, _expired(one)), hasty=True) for who, one in later.items()),
        Scene("away", _at("rei", _AWAY_NOW, AWAY), hasty=True),
        *(
            Scene(f"{who}-late", _at(who, _delayed(one)), notify="FAILURE,DELAY", patient=True)
            for who, one in later.items()
        ),
        Scene(
            "away-late", _at("rei", _delayed(_AWAY_NOW), AWAY), notify="FAILURE,DELAY", patient=True
        ),
    ]
