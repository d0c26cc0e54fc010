"""What was confirmed is what is written, though events change the register meanwhile."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.app.member_imports import Plan, RegisterMoved, apply, preview
from notifier.app.member_undo import CannotUndo, preview_undo, undo
from notifier.intake.members_csv import RegisterFile, read_register
from notifier.model.actor import system
from notifier.store import member_changes, members, schemes
from notifier.store.db import scalar
from tests.cases.conftest import Hand
from tests.samples import NOTICES, NOW, SCHEME, event, member

ACTOR = system("test")
FILE = read_register("会員番号,氏名\nM0001,潮田 渚\nN1,浜 波\n".encode(), set())


@pytest.fixture
async def register(engine: AsyncEngine) -> AsyncEngine:
    early = NOW.replace(day=1)
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=early)
        people = [(member("M0001"), early), (member("M0002"), early)]
        await members.save(conn, people, now=early)
    return engine


async def _accept(engine: AsyncEngine, number: str, name: str) -> None:
    told = {"member_no": number, "name": name}
    await Acceptor(engine, NOTICES, Hand(), Hand()).accept([event("member.updated", told)], ACTOR)


async def _apply(engine: AsyncEngine, plan: Plan, file: RegisterFile = FILE) -> int:
    acceptor = Acceptor(engine, NOTICES, Hand(), Hand())
    return await apply(engine, file, plan, full=False, acceptor=acceptor, actor=ACTOR, now=NOW)


@pytest.mark.parametrize(
    ("number", "name"), [("M0001", "潮田 汐"), ("M0001", "潮田 渚"), ("N1", "浜 浪")]
)
async def test_what_moved_stops_it(register: AsyncEngine, number: str, name: str) -> None:
    plan = await preview(register, FILE, full=False, now=NOW)
    assert (len(plan.new), len(plan.changed), plan.unchanged) == (1, 1, 0)
    await _accept(register, number, name)
    with pytest.raises(RegisterMoved) as caught:
        await _apply(register, plan)
    assert caught.value.numbers == (number,)
    async with register.connect() as conn:
        known = await members.by_number(conn, ["M0001", "N1"])
        assert await scalar(conn, "SELECT count(*) FROM member_imports") == 0
    assert known[number].name == name
    assert len(known) == (2 if number == "N1" else 1)


async def test_what_moved_elsewhere_does_not(register: AsyncEngine) -> None:
    plan = await preview(register, FILE, full=False, now=NOW)
    await _accept(register, "M0002", "潮田 汐")
    assert await _apply(register, plan) == 1


async def test_of_two_at_once_one_is_written(register: AsyncEngine) -> None:
    plan = await preview(register, FILE, full=False, now=NOW)
    done = await asyncio.gather(*(_apply(register, plan) for _ in range(4)), return_exceptions=True)
    assert sorted(isinstance(d, RegisterMoved) for d in done) == [False, True, True, True]
    async with register.connect() as conn:
        changes = await member_changes.of_member(conn, "M0001", limit=9)
    assert [(c.change.field, c.change.after) for c in changes] == [("name", "潮田 渚")]


async def test_of_two_imports_the_later_goes_back_first(register: AsyncEngine) -> None:
    before = await preview(register, FILE, full=False, now=NOW)
    first = await _apply(register, before)
    file = read_register("会員番号,氏名\nM0001,潮田 汐\nN1,浜 浪\n".encode(), set())
    second = await _apply(register, await preview(register, file, full=False, now=NOW), file)
    with pytest.raises(CannotUndo) as caught:
        await undo(register, first, actor=ACTOR, now=NOW)
    named = {(o.member_no, o.field) for o in caught.value.obstacles}
    assert named == {("M0001", "name"), ("N1", "name")}
    await undo(register, second, actor=ACTOR, now=NOW)
    assert (await preview_undo(register, first)).count == 2
    await undo(register, first, actor=ACTOR, now=NOW)
    assert await preview(register, FILE, full=False, now=NOW) == before
