"""Settings: where they come from, and what a wrong one says."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from notifier.model.notice import Lane
from notifier.model.relay import Relay, Tls, relays_for
from notifier.runtime.settings import BadSettings, load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert (settings.database_url, settings.redis_url, settings.var) == (None, None, Path("var"))
    (relay,) = settings.relays
    assert (relay.host, relay.port, relay.tls) == ("localhost", 25, Tls.STARTTLS)


def test_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notifier.toml").write_text(
        'locale = "en"\napi_port = 81\n[[relays]]\nhost = "a.example.jp"\nconnections = 2\n'
        '[[relays]]\nhost = "b.example.jp"\nname = "bulk"\nkind = "direct"\n'
    )
    monkeypatch.setenv("NOTIFIER_API_PORT", "82")
    settings = load_settings()
    assert (settings.locale, settings.api_port) == ("en", 82)
    assert [relay.label for relay in settings.relays] == ["a.example.jp:25", "bulk"]
    assert load_settings(api_port=83).api_port == 83


def test_one_relay_from_simple_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFIER_RELAY_HOST", "127.0.0.1")
    monkeypatch.setenv("NOTIFIER_RELAY_PORT", "2525")
    monkeypatch.setenv("NOTIFIER_RELAY_TLS", "none")
    monkeypatch.setenv("NOTIFIER_RELAY_USERNAME", "notifier")
    monkeypatch.setenv("NOTIFIER_RELAY_PASSWORD", "open sesame")
    (relay,) = load_settings().relays
    assert (relay.port, relay.tls, relay.password) == (2525, Tls.NONE, SecretStr("open sesame"))
    assert "sesame" not in repr(load_settings())


def test_lanes_may_have_relays_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "NOTIFIER_RELAYS",
        '[{"host": "a.example.jp", "lanes": ["urgent", "standard"]},'
        ' {"host": "b.example.jp", "lanes": ["bulk"], "rate_per_minute": 600},'
        ' {"host": "c.example.jp"}]',
    )
    relays = load_settings().relays
    served = {lane: [r.host[0] for r in relays_for(lane, relays)] for lane in Lane}
    assert served == {Lane.URGENT: ["a", "c"], Lane.STANDARD: ["a", "c"], Lane.BULK: ["b", "c"]}
    assert [r.rate_per_minute for r in relays] == [None, 600, None]
    assert [r.most_messages for r in relays] == [100, 100, 100]
    again = [Relay.model_validate_json(r.model_dump_json()) for r in relays]
    assert again == list(relays)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"API_PORT": "x"}, ["NOTIFIER_API_PORT: ", "integer"]),
        ({"RELAY_PORT": "0"}, ["NOTIFIER_RELAY_PORT: "]),
        ({"RELAY_TLS": "ssl"}, ["NOTIFIER_RELAY_TLS: ", "'starttls'"]),
        ({"RELAY_TLS": "none", "RELAY_HOST": "a.example.jp"}, ["RELAY_", "'none'", "loopback"]),
        ({"RELAY_USERNAME": "a"}, ["NOTIFIER_RELAY_", "password"]),
        ({"RELAYS": "a.example.jp"}, ["NOTIFIER_RELAYS: ", "JSON"]),
        ({"RELAYS": "[]"}, ["NOTIFIER_RELAYS: ", "at least one"]),
        ({"RELAYS": '[{"host": "a", "tls": 5}]'}, ["NOTIFIER_RELAYS__0__TLS: "]),
        ({"RELAYS": '[{"hots": "a"}]'}, ["RELAYS__0__HOST: ", "RELAYS__0__HOTS: no such"]),
        (
            {"RELAYS": '[{"host": "a", "lanes": ["bulk"]}]'},
            ["NOTIFIER_RELAYS: ", "urgent, standard"],
        ),
        ({"RELAYS": '[{"host": "a", "lanes": ["fast"]}]'}, ["RELAYS__0__LANES__0: ", "'urgent'"]),
        ({"RELAYS": '[{"host": "a", "lanes": []}]'}, ["NOTIFIER_RELAYS__0__LANES: "]),
        ({"RELAYS": '[{"host": "a", "most_messages": 0}]'}, ["RELAYS__0__MOST_MESSAGES: "]),
        ({"RELAYS": '[{"host": "a", "rate_per_minute": 0}]'}, ["RELAYS__0__RATE_PER_MINUTE: "]),
        ({"RELAYS": '[{"host": "a"}, {"host": "a"}]'}, ["NOTIFIER_RELAYS__1__NAME: ", "a:25"]),
        ({"LOCALE": "Japanese"}, ["NOTIFIER_LOCALE: "]),
        (
            {"CLOCK_FILE": "shift", "RELAY_HOST": "a.example.jp"},
            ["NOTIFIER_CLOCK_FILE: ", "loopback", "a.example.jp:25"],
        ),
    ],
)
def test_a_wrong_setting_is_named(
    given: dict[str, str], says: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"NOTIFIER_{name}", value)
    with pytest.raises(BadSettings) as caught:
        load_settings()
    assert all(part in str(caught.value) for part in says), str(caught.value)


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text("locale =")
    with pytest.raises(BadSettings, match=r"notifier\.toml: "):
        load_settings()
    (tmp_path / "notifier.toml").write_text("colour = 'red'")
    with pytest.raises(BadSettings, match="NOTIFIER_COLOUR: no such setting"):
        load_settings()
