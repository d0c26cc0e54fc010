"""Invented members: the same every time, and as varied as real ones."""

import re
from pathlib import Path

import pytest

from notifier.demo.members import generate, premium, write_csv
from notifier.intake.addresses import parse_email
from notifier.intake.members_csv import read_members

MEMBERS = generate()


def test_the_same_seed_gives_the_same_people() -> None:
    assert generate(50, seed=3) == generate(50, seed=3)
    assert generate(50, seed=3) != generate(50, seed=4)
    assert len(MEMBERS) == 1860
    assert len({m.member_no for m in MEMBERS}) == 1860


def test_people_are_varied() -> None:
    without_mail = sum(not m.email for m in MEMBERS)
    two_policies = sum(len(m.policies_in("group-liability")) == 2 for m in MEMBERS)
    assert 30 <= without_mail <= 90
    assert 600 <= two_policies <= 900
    assert any(parse_email(m.email).partition("@")[0].endswith(".") for m in MEMBERS if m.email)
    names = "".join(m.name for m in MEMBERS)
    assert {"𠮷", "髙", "﨑", "\U000e0100"} <= set(names)
    assert len({m.address and m.address.prefecture for m in MEMBERS}) == 47
    assert 3030 in {premium(m) for m in MEMBERS}


def test_nobody_real_can_be_reached() -> None:
    for member in MEMBERS:
        assert re.fullmatch(r"(.+@[a-z]+\.example\.jp)?", member.email)
        assert re.fullmatch(r"0\d-0000-\d{4}", member.phone)
        assert member.address is not None
        assert re.search(r"\d-9\d-\d\d$", member.address.street)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_the_register_can_be_read_back(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "members.csv"
    left_out = write_csv(MEMBERS, path, encoding)
    found = read_members(path.read_bytes(), {"group-liability"})
    assert found.encoding == encoding
    assert found.members == [m for m in MEMBERS if m.member_no not in left_out]
    assert bool(left_out) == (encoding == "cp932")
