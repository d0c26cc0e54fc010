"""Roles of users and what each may do: one table, from which everything else is read."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Role(StrEnum):
    """What somebody is here for. Labels: ``role.<value>``."""

    OPERATOR = "operator"  # 事務局: the daily work
    AUTHOR = "author"  # writes wording
    APPROVER = "approver"  # puts wording in force, releases
    AGENCY = "agency"  # 代理店: takes inquiries down, sees figures
    COMPLIANCE = "compliance"  # looks at everything, changes nothing
    ADMINISTRATOR = "administrator"  # users, keys, whom the engine calls


class Permission(StrEnum):
    """One right. Labels: ``permission.<value>``."""

    RECORD_READ = "record.read"  # personal data: members, messages, cases, tasks, returns
    FIGURES_READ = "figures.read"  # counts, schemes, closed days: no personal data
    REGISTER_CHANGE = "register.change"  # schemes, closed days
    MEMBERS_CHANGE = "members.change"
    EVENTS_SEND = "events.send"
    MESSAGES_CHANGE = "messages.change"  # cancel, resolve, retry, send a copy
    MESSAGES_RELEASE = "messages.release"
    TASKS_DO = "tasks.do"
    MAILINGS_MAKE = "mailings.make"  # letters to a cohort or an organisation
    BATCHES_DO = "batches.do"
    RETURNS_DO = "returns.do"
    SUPPRESSIONS_CHANGE = "suppressions.change"
    INQUIRIES_DO = "inquiries.do"
    DATA_EXPORT = "data.export"  # personal data of many, as a file
    WORDING_READ = "wording.read"
    WORDING_DRAFT = "wording.draft"
    WORDING_PUBLISH = "wording.publish"
    ALERTS_CHANGE = "alerts.change"  # whom alerts reach
    USERS_READ = "users.read"
    USERS_CHANGE = "users.change"
    KEYS_READ = "keys.read"
    KEYS_CHANGE = "keys.change"
    WEBHOOKS_DO = "webhooks.do"
    WEBHOOKS_GRANT = "webhooks.grant"  # a further address that is told, a further secret


class Rule(NamedTuple):
    """Who has a right, and what it takes to use it."""

    roles: frozenset[Role]
    needs_second_factor: bool = False  # at the moment of the act, also within a valid session
    over_members: bool = False  # changes what is on record of members
    for_services: bool = True  # whether a service account may ever have it


def _rule(*roles: Role, factor: bool = False, members: bool = False, services: bool = True) -> Rule:
    return Rule(frozenset(roles), factor, members, services and not factor)


_O, _A, _P, _G, _C, _X = Role  # in the order of the class
#: Right → who has it. ``factor``: approve, release, export, grant.
RULES: Final[Mapping[Permission, Rule]] = {
    Permission.RECORD_READ: _rule(_O, _P, _C),
    Permission.FIGURES_READ: _rule(*Role),
    Permission.REGISTER_CHANGE: _rule(_O),
    Permission.MEMBERS_CHANGE: _rule(_O, members=True),
    Permission.EVENTS_SEND: _rule(_O, members=True),
    Permission.MESSAGES_CHANGE: _rule(_O),
    Permission.MESSAGES_RELEASE: _rule(_O, _P, factor=True),
    Permission.TASKS_DO: _rule(_O, _P),
    Permission.MAILINGS_MAKE: _rule(_O),
    Permission.BATCHES_DO: _rule(_O),
    Permission.RETURNS_DO: _rule(_O),
    Permission.SUPPRESSIONS_CHANGE: _rule(_O),
    Permission.INQUIRIES_DO: _rule(_O, _G),
    Permission.DATA_EXPORT: _rule(_O, _C, factor=True),
    Permission.WORDING_READ: _rule(*Role),
    Permission.WORDING_DRAFT: _rule(_A),
    Permission.WORDING_PUBLISH: _rule(_P, factor=True),
    Permission.ALERTS_CHANGE: _rule(_X, services=False),
    Permission.USERS_READ: _rule(_C, _X, services=False),
    Permission.USERS_CHANGE: _rule(_X, factor=True),
    Permission.KEYS_READ: _rule(_C, _X),
    Permission.KEYS_CHANGE: _rule(_X, factor=True),
    Permission.WEBHOOKS_DO: _rule(_X),
    Permission.WEBHOOKS_GRANT: _rule(_X, factor=True),
}
#: Roles that two administrators give, neither of whom gets it.
FOUR_EYES: Final = frozenset({Role.APPROVER, Role.ADMINISTRATOR})
#: What the first administrator of a record is: an association with one person can begin.
FIRST: Final = frozenset({Role.ADMINISTRATOR, Role.OPERATOR})


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """All that somebody with these roles may do."""
    held = frozenset(roles)
    return frozenset(p for p, rule in RULES.items() if rule.roles & held)


#: What service accounts may be given.
FOR_SERVICES: Final = frozenset(p for p, rule in RULES.items() if rule.for_services)


def over_members(scopes: Iterable[Permission]) -> bool:
    """Whether any of the rights changes what is on record of members."""
    return any(RULES[p].over_members for p in scopes)
