"""How a reader is addressed: 様 for a person, 御中 for an organisation."""

import re
import unicodedata
from enum import StrEnum
from typing import Final


class Honorific(StrEnum):
    """What may stand behind a name."""

    SAMA = "様"
    ONCHU = "御中"
    DONO = "殿"
    SENSEI = "先生"


#: Legal forms that stand in front of a name or behind it.
_FORMS: Final = (
    r"株式会社|有限会社|合同会社|合資会社|合名会社|相互会社|特殊会社"
    r"|[(](?:株|有|同|資|名|相|一社|一財|公社|公財|医|学|宗|福|特非|独|社|財)[)]"
    r"|(?:一般|公益|特例)?(?:社団|財団)法人|[^\s]{2,8}法人"
)
#: What only the name of an organisation ends in.
_ENDINGS: Final = (
    r"事務所|組合|協会|協議会|連合会|商工会|商工会議所|振興会|共済会|学会|医師会|弁護士会|学校"
    r"|大学|学園|幼稚園|保育園|病院|医院|診療所|クリニック|銀行|信用金庫|商店|工務店|製作所|研究所"
    r"|本社|支社|支店|営業所|出張所|委員会|財団|公社|公団|役場|市役所|区役所|県庁|保険会社"
)
_ORGANISATION: Final = re.compile(rf"^(?:{_FORMS})|(?:{_FORMS}|{_ENDINGS})$")
_LATIN: Final = re.compile(
    r"(?<![a-z])(?:co\.?,? ?ltd|inc|llc|corp|corporation|k\.k|g\.k|gmbh|plc)\.?$", re.IGNORECASE
)
#: One of these is in all that the patterns above find; most names of people have none of them.
_HINT: Final = re.compile("[社法所合会校学園院行庫店団役場庁クA-Za-zＡ-Ｚａ-ｚ(（\u3200-\u33ff]")
_WRITTEN: Final = re.compile(r"(?:様|御中|先生|各位|殿)$")

_WHOLE_NAME: Final = 3  # characters that a person's family and given name have at the least


def is_organisation(name: str) -> bool:
    """Whether a name is one that only an organisation bears, going by its legal form or ending.

    「株式会社みほん」, 「みほん(株)」 and 「見本法律事務所」 are; nothing is looked up.
    A person behind a company's name is taken for the company, unless marked otherwise.
    """
    if not _HINT.search(name):
        return False
    plain = unicodedata.normalize("NFKC", name).strip()
    return bool(_ORGANISATION.search(plain) or _LATIN.search(plain))


def addressed_as(name: str, honorific: str, organisation: bool | None) -> str:
    """What stands behind a name: as registered, else by the mark, else by the name itself.

    An unmarked name of an organisation gets 御中: 「株式会社みほん 様」 is always wrong.
    """
    if honorific:
        return honorific
    if organisation or (organisation is None and is_organisation(name)):
        return Honorific.ONCHU
    return Honorific.SAMA


def written_with(name: str) -> str:
    """The honorific that a name already ends in, or nothing.

    殿 also ends names (鵜殿, 平安殿): it counts behind a space, or behind a person's whole name.
    """
    plain = name.strip()
    found = _WRITTEN.search(plain)
    if not found:
        return ""
    if found[0] == "殿" and not plain[:-1].endswith((" ", "　")):
        letters = len("".join(plain.split())) - 1
        return "" if is_organisation(plain) or letters < _WHOLE_NAME else "殿"
    return found[0]


def contradicts(honorific: str, organisation: bool | None) -> bool:
    """Whether a registered honorific is not that of an organisation, or of a person."""
    if not honorific or organisation is None:
        return False
    return organisation != (honorific == Honorific.ONCHU)
