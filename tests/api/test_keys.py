"""API keys."""

import pytest

from notifier.app.api_keys import key_id_of, matches, new_key
from notifier.app.credentials import hash_of_token
from notifier.model.actor import Actor, ActorKind


def test_a_key_names_its_id_and_matches_its_hash() -> None:
    key = new_key()
    assert key_id_of(key.secret_text) == key.key_id
    assert matches(key.secret_text, key.hash)
    assert not matches(key.secret_text + "x", key.hash)
    assert str(Actor(ActorKind.KEY, key.key_id)) == f"key:{key.key_id}"
    assert len({new_key().secret_text for _ in range(50)}) == 50


@pytest.mark.parametrize("text", ["", "nk_", "nk_abc_def", "x" * 10_000, "nk_éééééééééééé_"])
def test_what_is_no_key(text: str) -> None:
    assert key_id_of(text) is None
    assert len(hash_of_token(text)) == 32
