"""Where an address leads to, what is allowed there, and what an operator may change."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.delivery.destinations import (
    BadDestinations,
    Destination,
    Limits,
    as_destination,
    read_destinations,
    shipped,
)
from notifier.delivery.gate import Gate
from notifier.model.relay import Relay, RelayKind


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("a..b.@docomo.ne.jp", "docomo"),
        ('"a..b."@DOCOMO.NE.JP', "docomo"),
        ("a@ezweb.ne.jp", "au"),
        ("a@biz.ezweb.ne.jp", "au"),
        ("a@biz.au.com", "au"),
        ("a@i.softbank.jp", "softbank"),
        ("a@t.vodafone.ne.jp", "softbank"),
        ("a@ymobile.ne.jp", "softbank"),
        ("a@disney.ne.jp", "softbank"),
        ("a@gmail.com", "gmail"),
        ("a@yahoo.co.jp", "yahoo_japan"),
        ("a@outlook.jp", "microsoft"),
        ("a@icloud.com", "icloud"),
        ("a@abc.mtd.biglobe.ne.jp", "biglobe"),
        ("a@member.example.jp", "member.example.jp"),
        ("a@example.jp.", "example.jp"),
        ("a@notdocomo.ne.jp", "notdocomo.ne.jp"),  # a name that only ends alike
        ("a@mail.gmail.com", "mail.gmail.com"),  # listed exactly, not with what is below
    ],
)
def test_an_address_leads_to_its_destination(address: str, name: str) -> None:
    assert shipped().of(address).name == name


def test_whoever_is_not_listed_is_alone_with_the_defaults() -> None:
    found = shipped().of("a@example.jp")
    assert found == Destination("example.jp", shipped().defaults)


@given(st.text(max_size=300))
def test_any_text_leads_somewhere(text: str) -> None:
    assert shipped().of(text).limits.connections >= 1


def test_each_carrier_is_given_little_at_a_time() -> None:
    for name in ("docomo", "au", "softbank"):
        limits = shipped().known[name].limits
        assert limits.rate_per_minute <= 60
        assert limits.connections <= 2


def _read(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "destinations.toml"
    path.write_text(text)
    return path


def test_an_operator_says_only_what_differs(tmp_path: Path) -> None:
    path = _read(
        tmp_path,
        "[defaults]\nburst = 7\n"
        "[destinations.docomo]\nrate_per_minute = 300\n"
        "[destinations.partner]\nsuffixes = ['example.jp']\nconnections = 9\n"
        "[destinations.sister]\ndomains = ['mopera.net']\n",
    )
    found, before = read_destinations(path), shipped()
    docomo = before.known["docomo"].limits
    assert found.of("a@docomo.ne.jp").limits == Limits(
        connections=docomo.connections,
        rate_per_minute=300,
        most_messages=docomo.most_messages,
        burst=docomo.burst,
    )
    assert found.of("a@b.example.jp").name == "partner"
    assert found.of("a@b.example.jp").limits.connections == 9
    assert found.of("a@b.example.jp").limits.burst == 7
    assert found.of("a@example.com").limits.burst == 7
    assert found.of("a@mopera.net").name == "sister"  # it moved
    assert found.of("a@gmail.com") == before.of("a@gmail.com")


def test_a_list_replaces_the_one_before_and_takes_what_is_below(tmp_path: Path) -> None:
    path = _read(
        tmp_path,
        "[destinations.gmail]\ndomains = ['gmail.com']\n"
        "[destinations.apple]\nsuffixes = ['icloud.com', 'ne.jp']\n",
    )
    found = read_destinations(path)
    assert found.of("a@googlemail.com").name == "googlemail.com"
    assert found.of("a@icloud.com").name == "apple"
    assert found.of("a@docomo.ne.jp").name == "apple"
    assert found.of("a@yahoo.co.jp").name == "yahoo_japan"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[defaults", "destinations.toml: "),
        ("[default]", "default: is not a known key"),
        ("defaults = 1", "defaults: is not a table"),
        ("[defaults]\nrate = 1", "defaults.rate: is not a known key"),
        ("[defaults]\nconnections = 0", "defaults.connections: is not a whole number"),
        ("[defaults]\nconnections = 1.5", "defaults.connections: is not a whole number"),
        ("[defaults]\nconnections = true", "defaults.connections: "),
        ("[defaults]\nrate_per_minute = nan", "defaults.rate_per_minute: is not a number"),
        ("[defaults]\nrate_per_minute = inf", "defaults.rate_per_minute: is not a number"),
        ("[defaults]\nrate_per_minute = '9'", "defaults.rate_per_minute: "),
        ("[destinations.docomo]\nburst = -1", "destinations.docomo.burst: "),
        ("[destinations.docomo]\nspeed = 1", "destinations.docomo.speed: is not a known key"),
        ("[destinations.Docomo]\nburst = 1", "destinations.Docomo: is not a name"),
        ("[destinations.new]\nburst = 1", "destinations.new: is not known"),
        ("[destinations]\nnew = 1", "new: is not a table"),
        ("[destinations.new]\ndomains = 'a.jp'", "destinations.new.domains: is not a list"),
        ("[destinations.new]\ndomains = ['A.jp']", "destinations.new.domains: 'A.jp' is not"),
        ("[destinations.new]\nsuffixes = ['.jp']", "destinations.new.suffixes: '.jp' is not"),
        (
            "[destinations.a]\ndomains = ['a.jp']\n[destinations.b]\ndomains = ['a.jp']",
            "destinations.b.domains: a.jp is listed under a already",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadDestinations) as caught:
        read_destinations(_read(tmp_path, text))
    assert says in str(caught.value)
    assert "destinations.toml" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDestinations, match=r"gone\.toml"):
        read_destinations(tmp_path / "gone.toml")


def _relay(**more: object) -> Relay:
    return Relay.model_validate({"host": "relay.example.jp", "name": "relay", **more})


def test_behind_a_smarthost_only_the_relay_is_limited() -> None:
    address = "a@docomo.ne.jp"
    docomo = shipped().of(address)
    assert Gate(_relay(), shipped(), bulk=1)._governing(address) == ()
    assert Gate(_relay(kind=RelayKind.DIRECT), shipped(), bulk=1)._governing(address) == (docomo,)
    slow = _relay(rate_per_minute=600, connections=4, most_messages=30)
    whole = as_destination(slow)
    assert whole is not None
    assert (whole.name, whole.limits.rate_per_minute) == ("relay", 600)
    assert (whole.limits.connections, whole.limits.most_messages, whole.limits.burst) == (4, 30, 4)
    assert Gate(slow, shipped(), bulk=1)._governing(address) == (whole,)
    both = slow.model_copy(update={"kind": RelayKind.DIRECT})
    assert Gate(both, shipped(), bulk=1)._governing(address) == (whole, docomo)
