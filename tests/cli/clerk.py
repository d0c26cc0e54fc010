"""A clerk who gives many files to one verb: what the verb does, without starting it each time.

A verb reads its files, calls one use case and shows what is wrong; starting it compiles all
templates. Tables of inputs go this way, and some of each through the verb itself.
"""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app import mailings, reports
from notifier.app.event_intake import Acceptor
from notifier.cli.faults import sentence
from notifier.intake.cohort_file import read_cohort
from notifier.intake.mailing_file import read_mailing
from notifier.intake.report_file import read_report
from notifier.model.errors import BadInput
from notifier.model.states import Channel
from tests.cases.conftest import ACTOR, Hand
from tests.samples import NOTICES, NOW, WRITER


async def _answer(work: Callable[[], Awaitable[object]]) -> str:
    try:
        return f"made: {await work()}"
    except BadInput as problem:
        return "\n".join(sentence(error, "ja") for error in problem.errors)


async def apology(engine: AsyncEngine, facts: bytes, cohort: bytes) -> str:
    """What ``letters apology`` answers."""
    acceptor = Acceptor(engine, NOTICES, Hand(), Hand())

    async def work() -> object:
        mailing = read_mailing(facts, notice="apology", channel=Channel.LETTER)
        people = read_cohort(cohort)
        return await mailings.create(
            engine, acceptor, WRITER, mailing, people, actor=ACTOR, now=NOW
        )

    return await _answer(work)


async def report(engine: AsyncEngine, file: bytes) -> str:
    """What ``letters report`` answers."""
    acceptor = Acceptor(engine, NOTICES, Hand(), Hand())

    async def work() -> object:
        letter = read_report(file)
        return await reports.create(engine, acceptor, WRITER, letter, actor=ACTOR, now=NOW)

    return await _answer(work)
