"""Invented members with real postcodes, the same for the same seed."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Final

from notifier.files import opener
from notifier.intake.member_row import COLUMNS
from notifier.model.member import Enrolment, Member, PostalAddress
from notifier.model.states import Channel

from .names import FAMILY, GIVEN, RARE_FAMILY
from .towns import Town, pick_towns

SCHEME: Final = "group-liability"
HEADINGS: Final = tuple(titles[0] for titles in COLUMNS.values())
_MAIL_DOMAINS: Final = ("mail.example.jp", "inbox.example.jp", "post.example.jp", "web.example.jp")
_CARRIERS: Final = ("docomo.example.jp", "keitai.example.jp")
_BUILDINGS: Final = ("コーポみほん", "メゾン見本", "みほんハイツ", "レジデンス試作", "見本荘")
_PREMIUMS: Final = (1_480, 2_210, 3_030, 3_030, 3_030, 4_260, 5_750, 7_900)
_NOTHING_RARE: Final = 0.94
_CHANNELS: Final = {Channel.EMAIL: "メール", Channel.LETTER: "郵送", None: ""}


def generate(count: int = 1860, seed: int = 20250715, *, scheme: str = SCHEME) -> list[Member]:
    """``count`` members of a scheme, in order of their numbers.

    About 3 % have no email address, 6 % a family name with a rare character, 5 % an address of
    the old mobile carriers' kind; two in five hold two policies.
    """
    random = Random(seed)  # noqa: S311 (a rehearsal wants the same people every time)
    towns = pick_towns(min(count, 1000), random)
    return [_member(place, random, random.choice(towns), scheme) for place in range(1, count + 1)]


def premium(member: Member) -> int:
    """The member's premium in whole yen, the same for the same member number and policies."""
    digest = hashlib.sha256(member.member_no.encode()).digest()
    policies = sum(len(enrolment.policies) for enrolment in member.enrolments)
    base = _PREMIUMS[digest[0] % len(_PREMIUMS)]
    return base + (policies - 1) * (digest[1] % 16) * 110 if policies else base


def write_csv(members: Iterable[Member], path: Path, encoding: str = "utf-8") -> list[str]:
    """Write the register as a CSV file in ``utf-8``, ``utf-8-sig`` or ``cp932``.

    Returns the numbers of members left out because the encoding lacks one of their characters.
    """
    left_out: list[str] = []
    with open(path, "w", encoding=encoding, newline="", opener=opener) as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for member in members:
            row = _row(member)
            if _fits(row, encoding):
                writer.writerow(row)
            else:
                left_out.append(member.member_no)
    return left_out


def _member(place: int, random: Random, town: Town, scheme: str) -> Member:
    names = FAMILY if random.random() < _NOTHING_RARE else RARE_FAMILY
    family, given = random.choice(names), random.choice(GIVEN)
    number = f"M{place:06d}"
    address = _address(random, town)
    policies = ("1", "2") if random.random() < 0.4 else ("1",)
    return Member(
        member_id=0,
        member_no=number,
        name=f"{family[0]} {given[0]}",
        kana=f"{family[1]} {given[1]}",
        email=_email(place, random),
        address=address,
        phone=f"0{random.randint(3, 6)}-0000-{random.randint(0, 9999):04d}",
        channel=Channel.LETTER if random.random() < 0.01 else None,
        enrolments=(
            Enrolment(scheme=scheme, policies=tuple(f"P-{place:07d}-{p}" for p in policies)),
        ),
    )


def _address(random: Random, town: Town) -> PostalAddress:
    # Block numbers so high that nobody lives there.
    block = f"{random.randint(1, 4)}-{random.randint(90, 99)}-{random.randint(70, 99)}"
    building = ""
    if random.random() < 0.35:
        building = f"{random.choice(_BUILDINGS)} {random.randint(1, 9)}0{random.randint(1, 9)}号室"
    return PostalAddress(
        postcode=town.postcode,
        prefecture=town.prefecture,
        city=town.city,
        street=f"{town.name}{block}",
        building=building,
    )


def _email(place: int, random: Random) -> str:
    kind = random.random()
    if kind < 0.03:
        return ""
    if kind < 0.08:
        local = random.choice(("h..{0}.", "s.{0}.", "m...{0}", ".k{0}"))
        return f"{local.format(place)}@{random.choice(_CARRIERS)}"
    return f"member{place:05d}@{random.choice(_MAIL_DOMAINS)}"


def _row(member: Member) -> Sequence[str]:
    address = member.address or PostalAddress(postcode="", prefecture="", city="", street="")
    enrolment = member.enrolments[0] if member.enrolments else None
    return (
        member.member_no,
        member.name,
        member.kana,
        "",  # neither an organisation nor an honorific: the demo's members are people
        "",
        member.email,
        address.postcode,
        address.prefecture,
        address.city,
        address.street,
        address.building,
        member.phone,
        enrolment.scheme if enrolment else "",
        ";".join(enrolment.policies) if enrolment else "",
        _CHANNELS[member.channel],
        member.language,
    )


def _fits(row: Sequence[str], encoding: str) -> bool:
    try:
        "".join(row).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
