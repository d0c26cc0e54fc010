"""``notifier messages settle-by-log``."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.resolve import RESEND_WAIT
from notifier.demo.post_office import PostOffice, Rule, Stage
from notifier.model.message import public_number
from notifier.model.states import State
from tests.cli.terminal import Terminal
from tests.delivery.rig import Rig


async def test_the_log_of_the_relay_settles(
    notifier: Terminal, engine: AsyncEngine, post_office: PostOffice, tmp_path: Path
) -> None:
    rig = Rig(engine, post_office, tmp_path / "rig")
    post_office.rules.set(Rule(stage=Stage.END, drop=True))
    taken, missing = await rig.send(), await rig.send()
    async with rig.at_work():
        token = (await rig.until(taken, State.UNCERTAIN))["token"]
        await rig.until(missing, State.UNCERTAIN)
    log = tmp_path / "mail.log"
    log.write_text(
        "Jul 16 10:00:00 relay postfix/qmgr[7]: 4BCDEF: "
        f"from=<b+{token}@bounce.example.jp>, size=9, nrcpt=1 (queue active)\n"
    )
    said = notifier("messages", "settle-by-log", str(log), env={"NOTIFIER_LOCALE": "en"})
    assert [line.split() for line in said.splitlines() if "M0" in line] == [
        [public_number(taken), "sent"],
        [public_number(missing), "uncertain"],
    ], said
    notifier.set_time(rig.time + RESEND_WAIT + timedelta(hours=1))
    notifier("messages", "settle-by-log", "--complete", str(log))
    assert (await rig.state(taken))[0] == "sent"
    assert await rig.state(missing) == ("queued", "relay_log")
    assert "送信結果が不明な通知はありません" in notifier("messages", "settle-by-log", str(log))


def test_a_file_that_is_not_there_is_named(notifier: Terminal) -> None:
    assert "none.log" in notifier("messages", "settle-by-log", "none.log", code=2)
