"""The example in the documentation verifies what we sign."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from notifier.model.change import TOLD, Change
from notifier.model.webhook import SecretKind
from notifier.webhooks.signing import Secret, headers

_PAGE = (Path(__file__).parents[2] / "docs" / "telling-billing.md").read_text()


def test_the_example_verifies_a_call() -> None:
    found = re.search(r"```python\n(.*?)```", _PAGE, re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(found[1], names)
    verified: Callable[[str, dict[str, str], bytes], bool] = names["verified"]
    key, other = Secret.new(SecretKind.HMAC), Secret.new(SecretKind.HMAC)
    now = int(time.time())
    given = headers("msg_1", now, b"{}", [other, key])
    assert verified(key.text, given, b"{}")
    assert not verified(key.text, given, b"{ }")
    assert not verified(Secret.new(SecretKind.HMAC).text, given, b"{}")
    assert not verified(key.text, headers("msg_1", now - 3600, b"{}", [key]), b"{}")


def test_every_field_and_state_is_explained() -> None:
    assert all(f"`{name}`" in _PAGE for name in Change.__slots__)
    assert all(f"`{state}`" in _PAGE for state in TOLD)
