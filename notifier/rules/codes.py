"""Gateway codes: what a refused charge means for the member, read from tables."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from notifier.model.verdict import Action, Category, Verdict

# Of several codes the one that tells the member most counts. A code that nobody knows comes
# before those after which the member hears nothing: a person must see it first.
_PRIORITY = (
    Category.EXPIRY,
    Category.CARD_DATA,
    Category.LIMIT,
    Action.AUTHENTICATION,
    Action.UNKNOWN,
    Action.OPERATIONS,
    Action.SILENT_RETRY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a table says of some codes."""

    meaning: str
    action: Action
    category: Category | None = None
    ask_card_company: bool = False
    then: Category | None = None  # after one silent retry
    only_alone: bool = False  # says nothing where another code stands beside it
    codes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.action is Action.NOTIFY) != (self.category is not None):
            raise ValueError(
                f"{self.meaning}: a category goes with the action notify, and only there"
            )
        if self.then is not None and self.action is not Action.SILENT_RETRY:
            raise ValueError(f"{self.meaning}: 'then' goes with the action silent_retry only")
        if not self.meaning or not self.codes:
            raise ValueError(f"{self.meaning}: a rule has a meaning and codes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The codes of one gateway."""

    gateway: str
    strip: str  # what may stand before a code without changing it
    exact: Mapping[str, Rule]
    heads: Mapping[str, Rule]

    def find(self, code: str) -> Rule | None:
        """The rule of a code, by the longest match. Letter case does not matter."""
        plain = code.casefold()
        rest = plain.removeprefix(self.strip) if self.strip else plain
        return self._match(plain) or self._match(rest)

    def _match(self, code: str) -> Rule | None:
        if code in self.exact:
            return self.exact[code]
        lengths = range(len(code), 0, -1)
        return next((self.heads[code[:n]] for n in lengths if code[:n] in self.heads), None)


def read_table(text: str) -> Table:
    """A table from the text of its file. Raises ValueError on one that contradicts itself."""
    found = tomllib.loads(text)
    exact: dict[str, Rule] = {}
    heads: dict[str, Rule] = {}
    for entry in found["rules"]:
        rule = _rule(entry)
        for code in rule.codes:
            kind = heads if code.endswith("*") else exact
            key = code.removesuffix("*").casefold()
            if not key or key in kind:
                raise ValueError(f"{found['gateway']}: the code {code} is empty or given twice")
            kind[key] = rule
    return Table(
        gateway=found["gateway"], strip=found.get("strip", "").casefold(), exact=exact, heads=heads
    )


def _rule(entry: Mapping[str, Any]) -> Rule:
    category, then = entry.get("category"), entry.get("then")
    return Rule(
        **{
            **entry,
            "action": Action(entry["action"]),
            "category": Category(category) if category else None,
            "then": Category(then) if then else None,
            "codes": tuple(entry["codes"]),
        }
    )


@cache
def tables() -> Mapping[str, Table]:
    """All tables that come with the engine, by the gateway's name."""
    folder = files("notifier.rules.gateways")
    texts = [f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".toml")]
    return MappingProxyType({t.gateway: t for t in map(read_table, texts)})


def judge(
    gateway: str,
    codes: Sequence[str],
    *,
    card_expiry: str | None,
    today: date,
    earlier_silent: bool = False,
) -> Verdict:
    """What follows from the codes of one refusal.

    ``codes`` may each hold several joined by ``|``; ``card_expiry`` is the stored ``YYYY-MM``;
    ``earlier_silent`` says that the charge was refused before and the member heard nothing.
    A code without a rule leads to a person, never to a category.
    """
    single = _single(codes)
    table = tables().get(gateway)
    rules = {code: table.find(code) if table else None for code in single}
    unknown = tuple(code for code in single if rules[code] is None and not _is_head(code, rules))
    candidates = [_verdict(c, r, earlier_silent) for c, r in _counting(rules)]
    if unknown or not candidates:
        first = unknown[0] if unknown else ""
        candidates.append(Verdict(category=None, action=Action.UNKNOWN, code=first))
    best = min(candidates, key=lambda v: _PRIORITY.index(v.category or v.action))
    if best.category is Category.CARD_DATA and _expired(card_expiry, today):
        return Verdict(
            category=Category.EXPIRY, action=Action.NOTIFY, code=best.code, unknown=unknown
        )
    return Verdict(
        category=best.category,
        action=best.action,
        ask_card_company=best.ask_card_company,
        code=best.code,
        unknown=unknown,
    )


def _single(codes: Sequence[str]) -> tuple[str, ...]:
    parts = (part.strip() for code in codes for part in code.split("|"))
    return tuple(dict.fromkeys(part for part in parts if part))


def _is_head(code: str, others: Mapping[str, Rule | None]) -> bool:
    # "E41" beside "E41170002" is the same fact, less exactly told.
    return any(o != code and r and o.startswith(code) for o, r in others.items())


def _counting(rules: Mapping[str, Rule | None]) -> list[tuple[str, Rule]]:
    known = [(code, rule) for code, rule in rules.items() if rule]
    if len(rules) == 1:
        return known
    telling = [(code, rule) for code, rule in known if not rule.only_alone]
    return telling or ([] if None in rules.values() else known)


def _verdict(code: str, rule: Rule, earlier_silent: bool) -> Verdict:
    if rule.then and earlier_silent:
        return Verdict(
            category=rule.then,
            action=Action.NOTIFY,
            ask_card_company=rule.ask_card_company,
            code=code,
        )
    ask = rule.ask_card_company and rule.action is Action.NOTIFY
    return Verdict(category=rule.category, action=rule.action, ask_card_company=ask, code=code)


def _expired(card_expiry: str | None, today: date) -> bool:
    # A card is good to the last day of its month.
    return card_expiry is not None and card_expiry < f"{today:%Y-%m}"
