"""The judge finds what it is there to find."""

import hashlib

import pytest

from tests.chaos.judgement import Message, Verdict, judge

BYTES = hashlib.sha256(b"what was archived").digest()


def message(state: str, *, resends: int = 0, uncertain: int = 0, policy: str = "ask") -> Message:
    return Message(
        message_id=1,
        token="t1",
        state=state,
        policy=policy,
        resends=resends,
        uncertain=uncertain,
        settled=0,
        hashes=frozenset({BYTES}),
    )


def verdict(found: Message, copies: int, *, content: bytes = BYTES) -> Verdict:
    return judge([found], {found.name: [content] * copies} if copies else {})


def figures(found: Verdict) -> tuple[int, int]:
    return len(found.lost), len(found.doubled)


@pytest.mark.parametrize("state", ["held", "failed", "cancelled", "expired"])
def test_what_was_not_sent_is_nowhere(state: str) -> None:
    assert figures(verdict(message(state), 0)) == (0, 0)
    assert figures(verdict(message(state), 1)) == (0, 1)
    assert figures(verdict(message(state, resends=1), 1)) == (0, 0)  # of an uncertain attempt


def test_what_was_sent_is_there_once() -> None:
    assert figures(verdict(message("sent"), 0)) == (1, 0)
    assert figures(verdict(message("sent"), 1)) == (0, 0)
    assert figures(verdict(message("sent"), 3)) == (0, 2)


def test_what_is_uncertain_is_there_once_at_most() -> None:
    assert figures(verdict(message("uncertain"), 0)) == (0, 0)
    assert figures(verdict(message("uncertain"), 1)) == (0, 0)
    assert figures(verdict(message("uncertain"), 2)) == (0, 1)


def test_a_resend_by_policy_explains_one_copy() -> None:
    found = verdict(message("sent", resends=1), 2)
    assert figures(found) == (0, 0)
    assert (found.policy_resends, found.policy_copies) == (1, 1)
    assert figures(verdict(message("sent", resends=1), 3)) == (0, 1)


@pytest.mark.parametrize("state", ["queued", "claimed", "sending"])
def test_what_has_not_come_to_an_end_is_lost(state: str) -> None:
    assert figures(verdict(message(state), 0)) == (1, 0)


def test_what_its_policy_would_still_send_again_has_not_come_to_an_end() -> None:
    assert figures(verdict(message("uncertain", policy="resend", resends=1), 0)) == (1, 0)
    assert figures(verdict(message("uncertain", policy="resend", resends=2), 0)) == (0, 0)


def test_other_bytes_than_the_archived_are_found() -> None:
    assert verdict(message("sent"), 1, content=b"others").unproved == ["<t1@notifier.example.jp>"]


def test_what_nobody_knows_is_doubled_and_what_was_not_made_is_lost() -> None:
    found = judge([], {"<stranger@example.jp>": [BYTES]}, ["event card-1"])
    assert figures(found) == (1, 1)
    assert len(found.wrong(permits=0)) == 2


def test_more_uncertain_than_permits_is_wrong() -> None:
    found = verdict(message("uncertain", uncertain=3), 1)
    assert found.wrong(permits=3) == []
    assert found.wrong(permits=2) == ["uncertain: 3, with 2 permits outstanding"]
