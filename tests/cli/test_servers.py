"""Long-running verbs that cannot run say which setting is in the way."""

import socket

from tests.cli.terminal import Terminal


def test_a_taken_port_is_named(notifier: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = notifier("up", env={"NOTIFIER_API_PORT": port}, code=1)
    assert f"NOTIFIER_API_HOST, _PORT: 127.0.0.1:{port}" in said


def test_nothing_to_receive_is_said(notifier: Terminal) -> None:
    assert "NOTIFIER_INBOX" in notifier("receive", code=1)


def test_a_stream_needs_a_source(notifier: Terminal) -> None:
    env = {"NOTIFIER_INTAKE_REDIS_URL": "redis://127.0.0.1:1", "NOTIFIER_API_PORT": "0"}
    assert "NOTIFIER_INTAKE_SOURCE" in notifier("serve", env=env, code=1)


def test_a_shifted_clock_does_not_go_with_a_relay_elsewhere(notifier: Terminal) -> None:
    env = {"NOTIFIER_RELAY_HOST": "relay.example.jp", "NOTIFIER_RELAY_TLS": "starttls"}
    assert "NOTIFIER_CLOCK_FILE" in notifier("tasks", "list", env=env, code=1)
