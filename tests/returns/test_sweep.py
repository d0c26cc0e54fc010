"""The sweep of what comes back: one return that breaks stops nothing but itself."""

from notifier.model.returns import Standing
from notifier.returns.sweep import sweep
from notifier.store.undecided import WAITS

from .desk import Desk, bounce


async def test_a_return_that_cannot_be_read_again_stops_no_other(desk: Desk) -> None:
    found = await desk.sent(3)
    ids = [r["message_id"] for r in found]
    await desk.run("UPDATE messages SET state = 'sending'")
    done = await desk.apply(*(bounce(r["token"]) for r in found))
    assert {o.standing for o in done} == {Standing.WAITING}
    await desk.run("UPDATE messages SET state = 'sent'")
    spoilt = done[1].return_id
    await desk.run("UPDATE returns SET delivered_from = '?' WHERE return_id = :id", id=spoilt)
    await sweep(desk.engine, direct=(), now=desk.time)
    assert [(await desk.state(i))[0] for i in ids] == ["bounced", "sent", "bounced"]
    assert ("item_put_off", 1) in await desk.tasks()
    await desk.run("UPDATE returns SET delivered_from = 'mailbox' WHERE return_id = :id", id=spoilt)
    await sweep(desk.engine, direct=(), now=desk.time + WAITS[0])
    assert (await desk.state(ids[1]))[0] == "bounced"
