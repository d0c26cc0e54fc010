"""Which right each verb needs: the one list of them. A verb that is in none is refused."""

from collections.abc import Mapping
from typing import Final

from notifier.model.role import RULES, Permission

#: Verbs by right. None: verbs of the machine, and those that ask nothing of the record about
#: people; they need nobody and act as ``system``.
_BY_RIGHT: Final[Mapping[Permission | None, tuple[str, ...]]] = {
    None: (
        "up",
        "serve",
        "work",
        "receive",
        "demo",
        "simulate",
        "preview",
        "lint",
        "events example",
        "dkim dns",
        "dkim new",
        "templates check",
        "login",
        "logout",
        "users first",
        "users accept",
        "users recover",
        "users roles",
    ),
    Permission.RECORD_READ: (
        "members imports",
        "members show",
        "members find",
        "members history",
        "events undecided",
        "messages list",
        "messages show",
        "messages bytes",
        "cases list",
        "cases show",
        "tasks list",
        "tasks show",
        "batches show",
        "rejected list",
        "rejected show",
        "returns list",
        "returns show",
        "returns bytes",
        "suppressions list",
        "suppressions show",
    ),
    Permission.FIGURES_READ: (
        "report",
        "schemes list",
        "closures list",
        "batches list",
        "jobs list",
        "jobs show",
        "returns counts",
        "whoami",
    ),
    Permission.REGISTER_CHANGE: (
        "schemes import",
        "closures add",
        "closures remove",
        "closures import",
    ),
    Permission.MEMBERS_CHANGE: ("members import", "members undo"),
    Permission.EVENTS_SEND: (
        "events send",
        "events retry",
        "events stream",
        "rejected discard",
        "rejected replay",
    ),
    Permission.MESSAGES_CHANGE: (
        "messages cancel",
        "messages settle",
        "messages not-bounced",
        "messages retry",
        "messages settle-by-log",
        "messages resend",
    ),
    Permission.MESSAGES_RELEASE: ("messages release",),
    Permission.TASKS_DO: ("tasks take", "tasks done"),
    Permission.MAILINGS_MAKE: ("letters apology", "letters report"),
    Permission.BATCHES_DO: (
        "batches collect",
        "batches cancel",
        "jobs cancel",
        "batches withdraw",
        "batches hand-over",
        "batches settle",
        "batches acknowledge",
    ),
    Permission.RETURNS_DO: (
        "track",
        "relay-log",
        "letters returned",
        "letters scan",
        "returns settle",
    ),
    Permission.SUPPRESSIONS_CHANGE: (
        "suppressions add",
        "suppressions lift",
        "suppressions import",
    ),
    Permission.INQUIRIES_DO: (
        "inquiries add",
        "inquiries answer",
        "inquiries list",
        "inquiries show",
    ),
    Permission.DATA_EXPORT: ("inquiries export", "suppressions export"),
    Permission.WORDING_READ: (
        "templates list",
        "templates status",
        "templates show",
        "templates diff",
        "templates export",
    ),
    Permission.WORDING_DRAFT: ("templates draft",),
    Permission.WORDING_PUBLISH: ("templates publish", "templates roll-back"),
    Permission.ALERTS_CHANGE: ("users add", "staff add"),
    Permission.USERS_READ: ("users list", "users show", "users requests", "staff list"),
    Permission.USERS_CHANGE: (
        "users invite",
        "users confirm",
        "users withdraw",
        "users grant",
        "users revoke",
        "users disable",
        "users enable",
        "users reset",
    ),
    Permission.KEYS_READ: ("keys list", "keys refused", "services list"),
    Permission.KEYS_CHANGE: (
        "keys new",
        "keys create",
        "keys revoke",
        "services new",
        "services revoke",
    ),
    Permission.WEBHOOKS_DO: (
        "webhooks list",
        "webhooks show",
        "webhooks test",
        "webhooks enable",
        "webhooks disable",
        "webhooks remove",
        "webhooks drop-secret",
        "webhooks deliveries",
        "webhooks replay",
    ),
    Permission.WEBHOOKS_GRANT: ("webhooks add", "webhooks add-secret"),
}
#: Verb, as it is typed after ``notifier`` → the right that it needs, or None.
VERBS: Final[Mapping[str, Permission | None]] = {
    verb: right for right, verbs in _BY_RIGHT.items() for verb in verbs
}


def asks_for_code(verb: str) -> bool:
    """Whether a verb asks for the second factor, also within a session."""
    right = VERBS.get(verb)
    return right is not None and RULES[right].needs_second_factor
