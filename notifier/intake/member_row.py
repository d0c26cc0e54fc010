"""One row of the member register."""

import re
import unicodedata
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from notifier.model.characters import has_private, is_blank, is_clean
from notifier.model.errors import BadInput, FieldError
from notifier.model.honorific import Honorific, contradicts, written_with
from notifier.model.linking import links_in
from notifier.model.register import ADDRESS, ADDRESS_NEEDED, ENROLMENT, FIELDS
from notifier.model.states import Channel

from .addresses import parse_email

#: Our name of each column and its headings; the first is the one that errors name.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "member_no": ("会員番号", "加入者番号"),
        "name": ("氏名", "お名前"),
        "kana": ("氏名カナ", "フリガナ", "カナ"),
        "organisation": ("法人", "法人区分", "個人法人区分"),
        "honorific": ("敬称",),
        "email": ("メールアドレス", "メール", "e-mail"),
        "postcode": ("郵便番号", "postal_code"),
        "prefecture": ("都道府県",),
        "city": ("市区町村",),
        "street": ("町域番地", "番地", "住所"),
        "building": ("建物名", "建物"),
        "phone": ("電話番号",),
        "scheme": ("制度",),
        "policies": ("証券番号", "policy_no"),
        "channel": ("連絡方法",),
        "language": ("言語",),
    }
)
#: Columns that are of no use one without the other.
TOGETHER: Final = ("scheme", "policies")
#: What stands in mails and letters as it is, and where no link has any business.
_TEXTS: Final = ("name", "kana", "prefecture", "city", "street", "building")
_CHANNELS: Final[Mapping[str, Channel]] = MappingProxyType(
    {
        **{str(channel): channel for channel in Channel},
        "メール": Channel.EMAIL,
        "郵送": Channel.LETTER,
        "手紙": Channel.LETTER,
    }
)
_LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"": "ja", "ja": "ja", "日本語": "ja", "en": "en", "英語": "en", "english": "en"}
)
_ORGANISATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"": ""}
    | dict.fromkeys(("法人", "団体", "yes", "true", "1", "○", "〇", "はい"), "yes")
    | dict.fromkeys(("個人", "no", "false", "0", "×", "いいえ"), "no")
)
_IDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_POSTCODE = re.compile(r"〒?\s*([0-9]{3})-?([0-9]{4})")
_PHONE = re.compile(r"\+?[0-9][0-9() -]{4,22}[0-9]")
_DASHES = re.compile("[‐‑‒–—―−ー－]")
_LIMIT: Final = 200
_LIMIT_POLICIES: Final = 2_000


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """What one row says of a member: only of those fields whose columns the file has."""

    line: int
    member_no: str
    values: Mapping[str, str]  # by field, as in notifier.model.register
    scheme: str | None = None  # None: says nothing of enrolments; empty: there is none
    policies: tuple[str, ...] = ()

    def over(self, known: Mapping[str, str]) -> dict[str, str]:
        """A member's values once the row is taken in; enrolments in other schemes stay."""
        found = {**known, **self.values}
        if self.scheme == "":
            return {name: v for name, v in found.items() if not name.startswith(ENROLMENT)}
        if self.scheme:
            found[ENROLMENT + self.scheme] = ";".join(self.policies)
        return found


def unfit(values: Mapping[str, str], line: int, titles: Mapping[str, str]) -> list[FieldError]:
    """What speaks against a member's values as a whole, under the headings of the file."""
    missing = ["name"] if is_blank(values["name"]) else []
    if any(values[name] for name in ADDRESS):
        missing += [name for name in ADDRESS_NEEDED if not values[name]]
    wrong = [(name, "missing") for name in missing]
    organisation = {"yes": True, "no": False}.get(values["organisation"])
    if contradicts(values["honorific"], organisation):
        wrong.append(("honorific", "honorific_contradicts"))
    return [FieldError(titles.get(n, COLUMNS[n][0]), code, line=line) for n, code in wrong]


@dataclass(slots=True, kw_only=True)
class RowReader:
    """Reads the cells of a row and gathers what is wrong with them."""

    cells: Mapping[str, str]  # by our name of the column, without surrounding space
    titles: Mapping[str, str]  # the headings as the file has them
    line: int
    schemes: AbstractSet[str]
    errors: list[FieldError] = field(default_factory=list)

    def row(self) -> RegisterRow | None:
        """What the row says, or None where it is too bad to say."""
        self._check_characters()
        number = self._ident("member_no", self._required("member_no"))
        readers = {
            "email": self._email,
            "postcode": self._postcode,
            "phone": self._phone,
            "language": self._language,
            "channel": self._channel,
            "organisation": self._organisation,
            "honorific": self._honorific,
            "name": self._name,
        }
        values = {
            name: readers[name]() if name in readers else self._cell(name)
            for name in FIELDS
            if name in self.cells
        }
        self._check_address()
        scheme, policies = self._enrolment() if "scheme" in self.cells else (None, ())
        if self.errors:
            return None
        return RegisterRow(self.line, number, values, scheme, policies)

    def refuse(self, name: str, code: str, **params: object) -> None:
        """Note an error under the heading of a column; the first of each cell stays."""
        title = self.titles.get(name, COLUMNS[name][0])
        if all(error.field != title for error in self.errors):
            self.errors.append(FieldError(title, code, params, line=self.line))

    def _cell(self, name: str) -> str:
        return self.cells.get(name, "")

    def _folded(self, name: str) -> str:
        return unicodedata.normalize("NFKC", _DASHES.sub("-", self._cell(name))).strip()

    def _required(self, name: str) -> str:
        if is_blank(self._cell(name)):
            self.refuse(name, "missing")
        return self._cell(name)

    def _check_characters(self) -> None:
        for name, cell in self.cells.items():
            limit = _LIMIT_POLICIES if name == "policies" else _LIMIT
            if len(cell) > limit:
                self.refuse(name, "too_long", limit=limit)
            elif not is_clean(cell):
                self.refuse(name, "control_character")
            elif has_private(cell):
                self.refuse(name, "private_character")
            elif name in _TEXTS and links_in(cell):
                self.refuse(name, "looks_like_link")

    def _ident(self, name: str, text: str) -> str:
        if text and not _IDENT.fullmatch(text):
            self.refuse(name, "bad_identifier")
        elif links_in(text):
            self.refuse(name, "looks_like_link")
        return text

    def _email(self) -> str:
        cell = self._cell("email")
        if not cell:
            return ""
        try:
            return parse_email(cell)
        except BadInput as problem:
            self.refuse("email", problem.errors[0].code, **problem.errors[0].params)
            return ""

    def _name(self) -> str:
        name = self._required("name")
        if written := written_with(name):
            self.refuse("name", "honorific_in_name", honorific=written)
        return name

    def _organisation(self) -> str:
        found = _ORGANISATIONS.get(self._folded("organisation").casefold())
        if found is None:
            self.refuse("organisation", "not_allowed", allowed="法人, 個人")
        return found or ""

    def _honorific(self) -> str:
        found = self._cell("honorific")
        if found and found not in set(Honorific):
            self.refuse("honorific", "not_allowed", allowed=", ".join(Honorific))
        return found

    def _postcode(self) -> str:
        cell = self._cell("postcode")
        match = _POSTCODE.fullmatch(self._folded("postcode"))
        if cell and not match:
            self.refuse("postcode", "bad_postcode")
        return "".join(match.groups()) if match else ""

    def _check_address(self) -> None:
        # Where columns are missing, what is on record may fill the address up.
        if all(name in self.cells for name in ADDRESS_NEEDED) and any(map(self._cell, ADDRESS)):
            for name in ADDRESS_NEEDED:
                self._required(name)

    def _phone(self) -> str:
        phone = self._folded("phone")
        if phone and not _PHONE.fullmatch(phone):
            self.refuse("phone", "bad_format")
        return phone

    def _language(self) -> str:
        found = _LANGUAGES.get(self._folded("language").casefold())
        if found is None:
            self.refuse("language", "not_allowed", allowed="ja, en")
        return found or "ja"

    def _channel(self) -> str:
        text = self._cell("channel").casefold()
        if text and text not in _CHANNELS:
            self.refuse("channel", "not_allowed", allowed="email, letter, メール, 郵送")
        return str(_CHANNELS.get(text, ""))

    def _enrolment(self) -> tuple[str, tuple[str, ...]]:
        scheme, policies = self._cell("scheme"), re.split(r"[\s;；]+", self._cell("policies"))
        policies = [p for p in policies if p]
        if not scheme and not policies:
            return "", ()
        if self._required("scheme") and scheme not in self.schemes:
            self.refuse("scheme", "unknown_scheme", value=scheme)
        if not policies:
            self.refuse("policies", "missing")
        for policy in policies:
            self._ident("policies", policy)
        if len(set(policies)) < len(policies):
            self.refuse("policies", "given_twice")
        return scheme, tuple(policies)
