"""``notifier dkim``: from nothing to a key that signs."""

import json
import re
import subprocess
from pathlib import Path

from notifier.runtime.settings import load_settings
from notifier.runtime.signing import signer
from tests.cli.terminal import Terminal


def test_a_key_is_made_published_and_used(notifier: Terminal, tmp_path: Path) -> None:
    keys = []
    for kind in ("rsa", "ed25519"):
        file = tmp_path / f"{kind}.pem"
        place = ("--domain", "Example.jp", "--selector", kind, "--file", str(file))
        said = notifier("dkim", "new", *place, "--type", kind)
        assert re.match(rf'{kind}\._domainkey\.example\.jp\. IN TXT "v=DKIM1; k={kind}; h', said)
        assert "✗" in notifier("dkim", "new", *place, code=1)  # never over another key
        keys.append(({"domain": "example.jp", "selector": kind, "file": str(file)}, said))
    env = {"NOTIFIER_DKIM": json.dumps([key for key, _ in keys])}
    assert notifier("dkim", "dns", env=env) == "".join(said for _, said in keys)
    found = signer(load_settings(dkim=tuple(key for key, _ in keys)))
    assert found is not None
    assert found.sign(b"From: a@example.jp\r\n\r\nx\r\n").count(b"DKIM-Signature: ") == 2


def test_the_record_holds_the_public_half(notifier: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    said = notifier("dkim", "new", "--domain", "a.jp", "--selector", "s", "--file", str(file))
    public = subprocess.run(
        ["openssl", "pkey", "-in", file, "-pubout"], check=True, capture_output=True
    ).stdout.decode()
    body = "".join(line for line in public.splitlines() if not line.startswith("-"))
    assert "".join(re.findall(r'"([^"]*)"', said)).endswith(f"p={body}")


def test_a_wrong_key_is_named_where_it_is_set(notifier: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "none.pem"
    key = {"domain": "example.jp", "selector": "s", "file": str(file)}
    said = notifier("dkim", "dns", env={"NOTIFIER_DKIM": json.dumps([key])}, code=1)
    assert f"NOTIFIER_DKIM__0__FILE: {file}: No such file" in said
    said = notifier("work", env={"NOTIFIER_DKIM": json.dumps([key])}, code=1)
    assert "NOTIFIER_DKIM__0__FILE: " in said
    twice = json.dumps([key, key])
    assert "NOTIFIER_DKIM__1__SELECTOR: s" in notifier(
        "dkim", "dns", env={"NOTIFIER_DKIM": twice}, code=1
    )
    bad = json.dumps([{**key, "domain": "例え.jp"}])
    assert "NOTIFIER_DKIM__0__DOMAIN: " in notifier(
        "dkim", "dns", env={"NOTIFIER_DKIM": bad}, code=1
    )
    place = ("--domain", "a b", "--selector", "s", "--file", str(file))
    assert "domain" in notifier("dkim", "new", *place, code=2)
    assert not file.exists()


def test_without_keys_there_is_nothing_to_publish(notifier: Terminal) -> None:
    assert "鍵の指定がありません" in notifier("dkim", "dns")
