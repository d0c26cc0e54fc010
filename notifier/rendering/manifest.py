"""Reads ``notice.toml``."""

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Final, TypeVar

from notifier.model.money import AmountRole
from notifier.model.notice import (
    Fallback,
    FieldSpec,
    FieldType,
    Lane,
    LegalItem,
    Notice,
    UncertainPolicy,
)
from notifier.model.plan import CutOff, Plan, PlanStep
from notifier.model.states import Channel
from notifier.rendering.errors import BadTemplate

FILE: Final = "notice.toml"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEYS: Final = frozenset(
    {
        "title", "lane", "channels", "steps", "expires_after", "uncertain", "retention_years",
        "attempts", "asks_for_payment", "binding", "plans", "cut_off", "any_time", "fields",
        "step_fields", "unsubscribe", "legal", "pages", "records", "fallback", "guard",
    }
)  # fmt: skip
_LEGAL_KEYS: Final = frozenset({"step", "item", "source", "section", "fields"})
_FALLBACK_KEYS: Final = frozenset({"letter", "uncertain_after"})
_GUARD_KEYS: Final = frozenset({"window", "together"})
_MOST_ATTEMPTS: Final = 1000
_MOST_PAGES: Final = 50
_IN_RECORDS: Final = frozenset(
    {FieldType.TEXT, FieldType.YEN, FieldType.DATE, FieldType.NUMBER, FieldType.FLAG}
)
_MOST_DAYS: Final = 400  # of a plan
_PLAN_KEYS: Final = frozenset({"before", "wait", "over"})
_CUT_OFF_KEYS: Final = frozenset({"received_by", "counts_from", "months"})
_E = TypeVar("_E", bound=Enum)


def read_notice(name: str, source: str) -> Notice:
    """The notice that a ``notice.toml`` describes.

    Raises :class:`BadTemplate` naming file and key.
    """
    try:
        table = tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadTemplate(f"{name}/{FILE}", "", str(error)) from None
    return _Reader(name, table).notice()


class _Reader:
    def __init__(self, name: str, table: Mapping[str, Any]) -> None:
        self.name, self.table = name, table

    def notice(self) -> Notice:
        unknown = sorted(self.table.keys() - _KEYS)
        if unknown:
            raise self._bad(unknown[0], "is not a known key")
        steps = tuple(self._texts("steps"))
        step_fields = self._get("step_fields", dict, {})
        for key, named in (
            ("step_fields", step_fields),
            ("any_time", self.table.get("any_time", ())),
        ):
            for step in named:
                if step not in steps:
                    raise self._bad(f"{key}.{step}", "is not one of the steps")
        return Notice(
            name=self.name,
            title=self._get("title", str),
            lane=self._lane(),
            channels=tuple(map(self._channel, self._texts("channels"))),
            steps=steps,
            expires_after=self._days("expires_after", self._get("expires_after", str)),
            uncertain=self._member(UncertainPolicy, "uncertain", self._get("uncertain", str)),
            retention_years=self._get("retention_years", int),
            fields=self._fields("fields", self._get("fields", dict, {})) + self._records(),
            step_fields={s: self._fields(f"step_fields.{s}", t) for s, t in step_fields.items()},
            attempts=self._count("attempts", _MOST_ATTEMPTS),
            pages=self._count("pages", _MOST_PAGES),
            plans=tuple(self._plan(n, t, steps) for n, t in self._get("plans", dict, {}).items()),
            cut_off=self._cut_off(),
            asks_for_payment=self._flag("asks_for_payment"),
            binding=self._flag("binding"),
            any_time=tuple(self._texts("any_time")) if "any_time" in self.table else (),
            unsubscribe=self._flag("unsubscribe"),
            legal=self._legal(),
            fallback=self._fallback(),
            window=self._wait("guard", "window", _GUARD_KEYS),
            together=self._wait("guard", "together", _GUARD_KEYS),
        )

    def _bad(self, key: str, message: str) -> BadTemplate:
        return BadTemplate(f"{self.name}/{FILE}", key, message)

    def _get(self, key: str, kind: type, default: Any = None) -> Any:
        value = self.table.get(key, default)
        if value is None:
            raise self._bad(key, "is missing")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self._bad(key, f"is not of type {kind.__name__}")
        return value

    def _flag(self, key: str) -> bool:
        value = self.table.get(key, False)
        if not isinstance(value, bool):
            raise self._bad(key, "is neither true nor false")
        return value

    def _texts(self, key: str) -> list[str]:
        values = self._get(key, list)
        if not values or not all(isinstance(v, str) and _NAME.fullmatch(v) for v in values):
            raise self._bad(key, "is not a list of names in lower case")
        return list(values)

    def _member(self, kind: type[_E], key: str, value: object) -> _E:
        try:
            return kind(value)
        except ValueError:
            choices = ", ".join(str(m.value) for m in kind)
            raise self._bad(key, f"{value!r} is not one of {choices}") from None

    def _channel(self, name: str) -> Channel:
        try:
            return Channel(name)
        except ValueError:
            text = f"{name!r} is not one of {', '.join(Channel)}"
            raise self._bad("channels", text) from None

    def _lane(self) -> Lane:
        try:
            return Lane[self._get("lane", str).upper()]
        except KeyError:
            choices = ", ".join(lane.name.lower() for lane in Lane)
            raise self._bad("lane", f"is not one of {choices}") from None

    def _days(self, key: str, text: object) -> timedelta:
        found = re.fullmatch(r"(\d{1,4})([dh])", text) if isinstance(text, str) else None
        if not found:
            raise self._bad(key, "is not a number of days or hours such as 7d or 12h")
        number = int(found[1])
        return timedelta(days=number) if found[2] == "d" else timedelta(hours=number)

    def _table(self, key: str, known: frozenset[str]) -> dict[str, Any]:
        table: dict[str, Any] = self._get(key, dict, {})
        if unknown := sorted(table.keys() - known):
            raise self._bad(f"{key}.{unknown[0]}", "is not a known key")
        return table

    def _wait(self, table: str, key: str, known: frozenset[str]) -> timedelta | None:
        given = self._table(table, known)
        return self._days(f"{table}.{key}", given[key]) if key in given else None

    def _fallback(self) -> Fallback | None:
        """Whether a letter takes over; what must arrive has a second way."""
        letter = self._table("fallback", _FALLBACK_KEYS).get("letter", False)
        channels = set(self._texts("channels"))
        if not isinstance(letter, bool):
            raise self._bad("fallback.letter", "is neither true nor false")
        if letter and not channels >= {Channel.EMAIL, Channel.LETTER}:
            raise self._bad("fallback.letter", "needs the channels email and letter")
        if not letter:
            if (self._legal() or self._flag("binding")) and Channel.EMAIL in channels:
                raise self._bad("fallback.letter", "must be true: the notice has to arrive")
            return None
        return Fallback(uncertain_after=self._wait("fallback", "uncertain_after", _FALLBACK_KEYS))

    def _count(self, key: str, most: int) -> int | None:
        if key not in self.table:
            return None
        count: int = self._get(key, int)
        if not 1 <= count <= most:
            raise self._bad(key, f"is not between 1 and {most}")
        return count

    def _plan(self, name: str, table: Any, steps: tuple[str, ...]) -> Plan:
        key = f"plans.{name}"
        if not _NAME.fullmatch(name) or not isinstance(table, Mapping) or table.keys() - _PLAN_KEYS:
            raise self._bad(key, f"has a bad name, or not only {', '.join(sorted(_PLAN_KEYS))}")
        before = table.get("before", {})
        if not isinstance(before, Mapping) or not before:
            raise self._bad(
                f"{key}.before", "is not a table of steps with days before the deadline"
            )
        over = table.get("over")
        for step in (*before, *([] if over is None else [over])):
            if step not in steps:
                raise self._bad(f"{key}.{step}", "is not one of the steps")
        if over is not None and "wait" not in table:
            raise self._bad(f"{key}.over", "goes with wait: when is it over?")
        found = [PlanStep(s, self._within(f"{key}.before.{s}", n, 0)) for s, n in before.items()]
        wait = self._within(f"{key}.wait", table["wait"], 1) if "wait" in table else None
        firmness = tuple(sorted(found, key=lambda one: -one.days_before))
        return Plan(name=name, notice=self.name, steps=firmness, wait=wait, over=over)

    def _within(self, key: str, value: Any, least: int, most: int = _MOST_DAYS) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._bad(key, f"is not a number from {least} to {most}")
        return value

    def _cut_off(self) -> CutOff | None:
        table = self._get("cut_off", dict, {})
        if not table:
            return None
        if table.keys() != _CUT_OFF_KEYS:
            raise self._bad("cut_off", f"has not exactly {', '.join(sorted(_CUT_OFF_KEYS))}")
        limits = {"received_by": 31, "counts_from": 31, "months": 12}
        return CutOff(
            **{n: self._within(f"cut_off.{n}", table[n], 1, most) for n, most in limits.items()}
        )

    def _legal(self) -> tuple[LegalItem, ...]:
        items = self._get("legal", dict, {}).get("items", [])
        if not isinstance(items, list):
            raise self._bad("legal.items", "is not a list of tables")
        return tuple(self._legal_item(f"legal.items.{i}", item) for i, item in enumerate(items))

    def _legal_item(self, key: str, item: Any) -> LegalItem:
        if not isinstance(item, Mapping) or item.keys() != _LEGAL_KEYS:
            raise self._bad(key, f"has not exactly {', '.join(sorted(_LEGAL_KEYS))}")
        texts = {name: item[name] for name in ("step", "item", "source", "section")}
        fields = item["fields"]
        if not all(isinstance(text, str) and text for text in (*texts.values(), *fields)):
            raise self._bad(key, "holds what is no text")
        known = {**self._get("fields", dict, {})}
        known |= self._get("step_fields", dict, {}).get(texts["step"], {})
        if texts["step"] not in self._texts("steps") or not known.keys() >= set(fields):
            raise self._bad(key, "names a step or a field that the notice has not")
        return LegalItem(**texts, fields=tuple(fields))

    def _records(self) -> tuple[FieldSpec, ...]:
        """Lists of records, each with typed fields of its own; none may be there."""
        found = []
        for name, table in self._get("records", dict, {}).items():
            key = f"records.{name}"
            if not _NAME.fullmatch(name) or not isinstance(table, dict):
                raise self._bad(key, "is not a table of fields")
            parts = self._fields(key, table)
            if not {p.type for p in parts} <= _IN_RECORDS:
                raise self._bad(key, "holds lists")
            found.append(FieldSpec(name=name, type=FieldType.RECORDS, optional=True, parts=parts))
        return tuple(found)

    def _fields(self, key: str, table: Mapping[str, Any]) -> tuple[FieldSpec, ...]:
        return tuple(self._field(f"{key}.{name}", name, kind) for name, kind in table.items())

    def _field(self, key: str, name: str, kind: object) -> FieldSpec:
        if not _NAME.fullmatch(name):
            raise self._bad(key, "is not a name in lower case")
        text, _, role = (kind if isinstance(kind, str) else "").partition(" ")
        field_type = self._member(FieldType, key, text.removesuffix("?"))
        if field_type is FieldType.RECORDS:
            raise self._bad(key, "stands in a table of its own, [records.…]")
        if role and field_type is not FieldType.YEN:
            raise self._bad(key, "has a role, and is no amount")
        return FieldSpec(
            name=name,
            type=field_type,
            optional=text.endswith("?"),
            role=self._member(AmountRole, key, role) if role else None,
        )
