"""One row of the member register."""

import re
import unicodedata
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from notifier.model.errors import BadInput, FieldError
from notifier.model.member import Enrolment, Member, PostalAddress
from notifier.model.states import Channel

from .addresses import parse_email
from .characters import has_private, is_clean

#: Our name of each column and its headings; the first is the one that errors name.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "member_no": ("会員番号", "加入者番号"),
        "name": ("氏名", "お名前"),
        "kana": ("氏名カナ", "フリガナ", "カナ"),
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
REQUIRED: Final = ("member_no", "name")
_ADDRESS: Final = ("postcode", "prefecture", "city", "street")
_CHANNELS: Final[Mapping[str, Channel]] = MappingProxyType(
    {
        "email": Channel.EMAIL,
        "メール": Channel.EMAIL,
        "letter": Channel.LETTER,
        "郵送": Channel.LETTER,
        "手紙": Channel.LETTER,
    }
)
_LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"": "ja", "ja": "ja", "日本語": "ja", "en": "en", "英語": "en", "english": "en"}
)
_IDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_POSTCODE = re.compile(r"〒?\s*([0-9]{3})-?([0-9]{4})")
_PHONE = re.compile(r"\+?[0-9][0-9() -]{4,22}[0-9]")
_DASHES = re.compile("[‐‑‒–—―−ー－]")
_LIMIT: Final = 200


@dataclass(slots=True, kw_only=True)
class RowReader:
    """Reads the cells of a row and gathers what is wrong with them."""

    cells: Mapping[str, str]  # by our name of the column, without surrounding space
    titles: Mapping[str, str]  # the headings as the file has them
    line: int
    schemes: AbstractSet[str]
    errors: list[FieldError] = field(default_factory=list)

    def member(self) -> Member | None:
        """The member, or None where the row is too bad to make one."""
        self._check_characters()
        number = self._ident("member_no", self._required("member_no"))
        found = Member(
            member_id=0,
            member_no=number,
            name=self._required("name"),
            kana=self._cell("kana"),
            email=self._email(),
            address=self._address(),
            phone=self._phone(),
            language=self._language(),
            channel=self._channel(),
            enrolments=self._enrolments(),
        )
        return None if self.errors else found

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
        if not self._cell(name):
            self.refuse(name, "missing")
        return self._cell(name)

    def _check_characters(self) -> None:
        for name, cell in self.cells.items():
            if not is_clean(cell):
                self.refuse(name, "control_character")
            elif has_private(cell):
                self.refuse(name, "private_character")
            elif len(cell) > _LIMIT and name != "policies":
                self.refuse(name, "too_long", limit=_LIMIT)

    def _ident(self, name: str, text: str) -> str:
        if text and not _IDENT.fullmatch(text):
            self.refuse(name, "bad_identifier")
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

    def _address(self) -> PostalAddress | None:
        if not any(self._cell(name) for name in (*_ADDRESS, "building")):
            return None
        for name in _ADDRESS:
            self._required(name)
        match = _POSTCODE.fullmatch(self._folded("postcode"))
        if not match:
            self.refuse("postcode", "bad_postcode")
        return PostalAddress(
            postcode="".join(match.groups()) if match else "",
            prefecture=self._cell("prefecture"),
            city=self._cell("city"),
            street=self._cell("street"),
            building=self._cell("building"),
        )

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

    def _channel(self) -> Channel | None:
        text = self._cell("channel").casefold()
        if text and text not in _CHANNELS:
            self.refuse("channel", "not_allowed", allowed="email, letter, メール, 郵送")
        return _CHANNELS.get(text)

    def _enrolments(self) -> tuple[Enrolment, ...]:
        scheme, policies = self._cell("scheme"), re.split(r"[\s;；]+", self._cell("policies"))
        policies = [p for p in policies if p]
        if not scheme and not policies:
            return ()
        if self._required("scheme") and scheme not in self.schemes:
            self.refuse("scheme", "unknown_scheme", value=scheme)
        if not policies:
            self.refuse("policies", "missing")
        for policy in policies:
            self._ident("policies", policy)
        if len(set(policies)) < len(policies):
            self.refuse("policies", "given_twice")
        return (Enrolment(scheme=scheme, policies=tuple(policies)),)
