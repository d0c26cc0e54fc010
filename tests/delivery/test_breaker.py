"""A relay that fails again and again is left alone, and tried now and then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.delivery.breaker import Breaker, BreakerState, blames_relay
from notifier.delivery.replies import Outcome, Reply, answered
from notifier.model.relay import RelayKind

DOWN = Reply(outcome=Outcome.BEFORE_DATA, command="CONNECT", text="refused")
TAKEN = Reply(outcome=Outcome.ACCEPTED, command="BODY", code=250)


def _breaker(dice: float = 0.5, **more: float) -> Breaker:
    return Breaker("relay", dice=lambda: dice, **more)  # type: ignore[arg-type]


def _opened(now: float = 0.0) -> Breaker:
    breaker = _breaker()
    for _ in range(5):
        breaker.failed(now, DOWN)
    return breaker


def _said(command: str, code: int, text: str = "") -> Reply:
    return answered(command, code, text, tls=None, relay="relay")


@pytest.mark.parametrize(
    ("reply", "smarthost", "direct"),
    [
        (DOWN, True, True),
        (_said("CONNECT", 421), True, True),
        (_said("CONNECT", 554), True, True),
        (_said("MAIL", 530, "5.7.0 login first"), True, True),
        (_said("RCPT", 535), True, True),
        (_said("MAIL", 451), True, True),
        (_said("MAIL", 421), True, True),
        (_said("BODY", 421), True, False),
        (_said("RCPT", 450, "4.3.2 not now"), True, False),
        (Reply(outcome=Outcome.BEFORE_DATA, command="RCPT"), True, True),
        (Reply(outcome=Outcome.UNCERTAIN, command="BODY"), True, True),
        (_said("RCPT", 450, "4.2.0 greylisted"), False, False),
        (_said("RCPT", 550), False, False),
        (_said("MAIL", 550), False, False),
        (_said("BODY", 451, "4.3.0 later"), False, False),
        (TAKEN, False, False),
    ],
)
def test_what_speaks_against_the_relay(reply: Reply, smarthost: bool, direct: bool) -> None:
    assert blames_relay(reply, RelayKind.SMARTHOST) is smarthost
    assert blames_relay(reply, RelayKind.DIRECT) is direct


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = _breaker()
    for _ in range(4):
        breaker.noted(1.0, DOWN)
    breaker.noted(2.0, _said("RCPT", 550))  # it works; the message does not
    for _ in range(4):
        breaker.noted(3.0, DOWN)
    assert breaker.allows(3.0)
    breaker.noted(4.0, DOWN)
    assert not breaker.allows(4.0)
    assert (breaker.state, breaker.since, breaker.label) == (BreakerState.OPEN, 4.0, "relay")
    assert breaker.last is DOWN
    assert breaker.wait(4.0) == 5.0


def test_after_a_rest_one_transmission_tries() -> None:
    breaker = _opened()
    assert breaker.allows(5.0)
    breaker.begun(5.0)
    assert breaker.state is BreakerState.HALF_OPEN
    assert not breaker.allows(5.0)
    breaker.succeeded(6.0)
    assert (breaker.state, breaker.since) == (BreakerState.CLOSED, 6.0)
    assert breaker.allows(6.0)


def test_rests_double_up_to_the_longest() -> None:
    breaker, now = _opened(), 0.0
    rests = []
    for _ in range(8):
        rests.append(breaker.wait(now))
        now += rests[-1]
        breaker.begun(now)
        breaker.failed(now, DOWN)
    assert rests == [5, 10, 20, 40, 80, 160, 300, 300]


@pytest.mark.parametrize(("dice", "rest"), [(0.0, 2.5), (1.0, 7.5)])
def test_workers_do_not_all_try_at_once(dice: float, rest: float) -> None:
    breaker = _breaker(dice, most_failures=1)
    breaker.failed(0.0, DOWN)
    assert breaker.wait(0.0) == rest


def test_a_good_spell_makes_the_next_rest_short_again() -> None:
    breaker, now = _opened(), 0.0
    for _ in range(4):
        now += breaker.wait(now)
        breaker.begun(now)
        breaker.failed(now, DOWN)
    now += breaker.wait(now)
    breaker.begun(now)
    breaker.succeeded(now)
    for _ in range(5):
        breaker.failed(now, DOWN)
    assert breaker.wait(now) == 5


def test_a_try_that_is_never_told_about_is_given_up() -> None:
    breaker = _opened()
    breaker.begun(5.0)
    assert not breaker.allows(304.9)
    assert breaker.allows(305.0)
    breaker.begun(305.0)
    assert not breaker.allows(305.0)


def test_late_replies_do_not_shorten_a_rest() -> None:
    breaker = _opened()
    breaker.succeeded(1.0)
    breaker.failed(1.0, DOWN)
    assert breaker.wait(1.0) == 4.0
    breaker.begun(5.0)
    breaker.failed(5.0, DOWN)
    assert breaker.wait(5.0) == 10.0  # and do not make the next one short


def test_a_success_after_the_rest_closes_it_whoever_tried() -> None:
    breaker = _opened()
    breaker.succeeded(5.0)  # over a connection that had been kept
    assert breaker.state is BreakerState.CLOSED
    for _ in range(5):
        breaker.failed(6.0, DOWN)
    assert not breaker.allows(6.0)


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "begin", "succeed", "fail", "fail", "fail"]), st.floats(0, 30)
    ),
    max_size=200,
)


@given(_ACTS, st.floats(0, 1))
def test_nothing_begins_while_it_is_open(acts: list[tuple[str, float]], dice: float) -> None:
    breaker, now, opened = _breaker(dice), 0.0, None
    tries = 0
    for act, pause in acts:
        now += pause
        before = breaker.state
        if act == "begin" and breaker.allows(now):
            assert opened is None or now >= opened + 2.5  # the shortest rest there is
            breaker.begun(now)
            tries = tries + 1 if breaker.state is BreakerState.HALF_OPEN else 0
            assert tries <= 1 or now - breaker.since >= 300
        elif act == "succeed":
            breaker.succeeded(now)
        elif act == "fail":
            breaker.failed(now, DOWN)
        if breaker.state is not before:
            assert breaker.since == now
            tries = tries if breaker.state is BreakerState.HALF_OPEN else 0
            opened = now if breaker.state is BreakerState.OPEN else None
        assert breaker.allows(now) or breaker.wait(now) > 0
        if breaker.state is BreakerState.OPEN and opened is not None and now < opened + 2.5:
            assert not breaker.allows(now)


@pytest.mark.parametrize("more", [{"most_failures": 0}, {"rest": 0}, {"rest": 9, "longest": 8}])
def test_a_breaker_that_could_not_work_is_refused(more: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="rest"):
        _breaker(**more)
