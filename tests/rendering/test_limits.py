"""Hostile templates: refused by the check at their file and line, and stopped when they run.

Nothing here is timed: what is not stopped takes minutes or gigabytes, or ends the process.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from notifier.model.reasons import Reason
from notifier.model.states import Channel
from notifier.rendering import context
from notifier.rendering.errors import BadTemplate, LimitExceeded, PiecesRefused, WriteError
from notifier.rendering.extremes import beyond_limits
from notifier.rendering.folder import Folder, of_files, unpacked
from notifier.rendering.labels import LABELS
from notifier.rendering.letter import typst_source
from notifier.rendering.letter.setting import Setting
from notifier.rendering.letter.typeface import typeface
from notifier.rendering.lint import Finding, Severity, lint
from notifier.rendering.samples import read_sample
from notifier.rendering.stationery import Stationery
from notifier.rendering.text import limits
from notifier.rendering.text.limits import spent
from notifier.rendering.words import Phrases
from notifier.rendering.writer import Writer
from tests.rendering.lint.notices import FILES, notice
from tests.samples import WRITER

#: Lines of ``words.txt``. Each is tried by itself, and behind a condition that no sample meets.
WORDS = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(policies | length, 10 ** 9) %}{% endfor %}",
    "{% for a in range(101) %}{% endfor %}",
    '{% set closing = "x".center(1000000000) %}',
    '{% set closing = "x".ljust(1000000000) %}',
    '{% set closing = "x".rjust(1000000000) %}',
    '{% set closing = "x".zfill(1000000000) %}',
    '{% set closing = "\\t".expandtabs(1000000000) %}',
    '{% set closing = "%1000000000d" % 1 %}',
    '{% set closing = ("%1000000000d" ~ "") % 1 %}',
    '{% set closing = "{:1000000000}".format(1) %}',
    '{% set closing = "{x:1000000000}".format_map({"x": 1}) %}',
    '{% set closing = "%1000000000d" | format(1) %}',
    '{% set closing = "x" | indent(1000000000) %}',
    '{% set closing = "x" | center(1000000000) %}',
    '{% set closing = "x y" | wordwrap(1, wrapstring="x" | center(99999999)) %}',
    '{% set closing = policies | batch(1000000000, "x") | list | string %}',
    "{% set closing = policies | slice(1000000000) | list | string %}",
    "{% set closing = lipsum(n=100000) %}",
    '{% set closing = "x" * 1000000000 %}',
    "{% set closing = policies * 1000000000 %}",
    "{% set closing = 9 ** 999999999 %}",
    '{% set closing = day.strftime("%1000000000d") %}',
    '{% set closing = ("x" | center(9999999)) | urlize %}',
    "{% set closing = policies | tojson(indent=1000000000) %}",
    '{% set closing = {"a": 1} | xmlattr | pprint %}',
    "{% set closing = policies | map('center', 1000000000) | join %}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% for a in policies recursive %}{{ loop(policies) }}{{ loop(policies) }}{% endfor %}",
    '{% include "plain/words.txt" %}',
    '{% import "plain/words.txt" as x %}',
    '{% include ["plain/", "words.txt"] | join %}',
    '{% extends "plain/words.txt" %}',
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{% set closing = ''.__class__.__mro__ %}",
    "{% set closing = ''['__class__'] %}",
    "{% set closing = cycler(1).next() %}",
]
#: Lines that no parser or compiler should be given: each is reported alone.
UNREADABLE = [
    "{% set closing = 1" + "1" * 5000 + " %}",
    "{% set closing = " + "(" * 60 + "1" + ")" * 60 + " + [" * 60 + "]" * 60 + " %}",
    "{% set closing = " + "not " * 3000 + "1 %}",
    "{% set closing = " + "-" * 3000 + "1 %}",
    "{% if 1 %}" * 60 + "{% endif %}" * 60,
    "{% for a in policies %}" * 60 + "{% endfor %}" * 60,
]
#: What is in the list of what may be used, and doubles itself: only running it shows.
DOUBLING = [
    "{% set _n = namespace(x='xxxxxxxx') %}" + "{% set _n.x = _n.x ~ _n.x %}" * 40,
    "{% set _n = namespace(x='xxxxxxxx') %}" + "{% set _n.x = _n.x + _n.x %}" * 40,
    "{% set _n = namespace(x=[1, 2]) %}" + "{% set _n.x = _n.x + _n.x %}" * 40,
    "{% set _n = namespace(x=[1]) %}" + "{% set _n.x = [_n.x, _n.x] %}" * 40 + "{{ _n.x }}",
    "{% set _n = namespace(x=[1]) %}"
    + "{% set _n.x = [_n.x, _n.x] %}" * 40
    + "{% set sections = _n.x %}",
    "{% set _n = namespace(x=[1], y=[1]) %}"
    + "{% set _n.x = [_n.x, _n.x] %}{% set _n.y = [_n.y, _n.y] %}" * 40
    + "{% if _n.x == _n.y %}{% endif %}",
    "{% set _n = namespace(x=[1]) %}"
    + "{% set _n.x = [_n.x, _n.x] %}" * 40
    + "{% set closing = [_n.x] | join %}",
    "{% set _n = namespace(x=[1]) %}" + "{% set _n.x = [_n.x, _n.x] | flat %}" * 40,
    "{% set _n = namespace(x='xx') %}" + "{% set _n.x = _n.x | replace('x', _n.x) %}" * 9,
    "{% set _n = namespace(x='xx') %}" + "{% set _n.x = [_n.x, _n.x] | join(_n.x) %}" * 30,
    "{% set _x %}xxxxxxxx{% endset %}" + "{% set _x %}{{ _x }}{{ _x }}{% endset %}" * 40,
    "{% set _n = namespace(x=7) %}" + "{% set _n.x = _n.x + _n.x %}" * 60,
    "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{{ " + "m(" * 20 + "'xxxxxxxx'" + ")" * 20 + " }}",
    "{% for a in range(100) %}" * 3 + "x" + "{% endfor %}" * 3,
    "{% for a in range(100) %}{% for b in range(9) %}" + "x" * 30000 + "{% endfor %}{% endfor %}",
]
#: (file, its text)
FILES_THAT_ARE_WRONG = [
    ("subject.txt", "{% for a in range(99999) %}x{% endfor %}\n"),
    ("body.txt", '{{ "x" | center(1000000000) }}\n'),
    ("body.mjml", "<mjml><mj-body>" + "<mj-wrapper>" * 250 + "</mj-body></mjml>"),
    ("body.mjml", "<mjml><mj-body>" + "<mj-wrapper><!--</mj-wrapper>-->" * 5000),
    ("body.mjml", "<mjml><mj-body>" + "<mj-raw>" * 20000),
    ("body.mjml", '<mj-include path="plain/body.mjml" />' * 9),
    ("body.mjml", "<mjml><mj-body>" + "{{ " * 13000),
    ("words.txt", "x" * 40_001),
    ("sample.json", '{"steps":' * 3000),
    ("notice.toml", "a = " + "[" * 3000),
]  # fmt: skip
#: Lines of ``letter.typ`` that the check refuses.
LETTERS = [
    '#import "@preview/x:1.0.0": *',
    '#import "@" + "preview/x:1.0.0"',
    '#read("/etc/hostname")',
    '#let r = read\n#r("pieces.json")',
    '#json("pieces.json")',
    '#include "other.typ"',
    '#let p = plugin(bytes("x"))',
    '#eval("1 + 1")',
    '#std.read("x")',
    '#image("x.png")',
    "#sys.inputs",
    '#bibliography("x.bib")',
    "#range(100000)",
    "#while true { }",
]


def _changed(file: str, text: str) -> Folder:
    return notice({f"plain/{file}": text})


def _errors(found: Iterable[Finding]) -> set[tuple[str, int]]:
    """Files and lines of what keeps a version from being published."""
    return {(one.file, one.line) for one in found if one.severity is Severity.ERROR}


def _run(folder: Folder) -> None:
    """Write its sample as a worker would, whatever was checked. It may raise, and that is all."""
    c = read_sample(folder, "first")
    phrases = Phrases(folder, LABELS)
    phrases.mail("first", context.values(c, folder.notice, Channel.EMAIL))


def _behind(line: str) -> str:
    """The line for a reader whom no sample has."""
    return f'{{% if recipient.name == "誰か" %}}\n{line}\n{{% endif %}}\n'


def test_what_is_not_allowed_is_refused_wherever_it_stands() -> None:
    """At its line, behind a condition that no sample meets."""
    text, lines = FILES["plain/words.txt"], []
    for line in WORDS:
        lines.append(text.count("\n") + 2)
        text += _behind(line)
    found = lint(_changed("words.txt", text))
    assert {("ja/plain/words.txt", n) for n in lines} <= _errors(found)
    assert "not_allowed" in {one.rule for one in found}
    for one in found:
        assert one.message("ja") != one.message("en")


@pytest.mark.parametrize("line", [*WORDS, *UNREADABLE], ids=lambda line: line[:60])
def test_what_is_not_allowed_is_stopped_whatever_was_checked(line: str) -> None:
    with pytest.raises((WriteError, BadTemplate)):
        _run(_changed("words.txt", FILES["plain/words.txt"] + line))


@pytest.mark.parametrize("line", UNREADABLE, ids=lambda line: line[:60])
def test_what_cannot_be_read_is_refused(line: str) -> None:
    text = FILES["plain/words.txt"] + _behind(line)
    assert "ja/plain/words.txt" in {file for file, _ in _errors(lint(_changed("words.txt", text)))}


@pytest.mark.parametrize("line", DOUBLING, ids=lambda line: line[:60])
def test_what_doubles_itself_is_stopped_and_found_behind_any_condition(line: str) -> None:
    text = FILES["plain/words.txt"]
    with pytest.raises(LimitExceeded) as stopped:
        _run(_changed("words.txt", text + line))
    assert (stopped.value.field, stopped.value.reason) == ("plain/words.txt", Reason.RENDER_LIMIT)
    hidden = _changed("words.txt", text + _behind(line))
    _run(hidden)
    found, number = _errors(beyond_limits(hidden)), text.count("\n") + 1
    assert found & {("ja/plain/words.txt", number), ("ja/plain/words.txt", number + 1)}


@pytest.mark.parametrize(("file", "text"), FILES_THAT_ARE_WRONG)
def test_a_file_that_is_wrong_as_a_whole(file: str, text: str) -> None:
    """As a folder, by lint, or by whoever would write from it: what is said names the file."""
    try:
        folder = _changed(file, text)
    except BadTemplate as error:
        said = [error.file]
    else:
        said = [name.removeprefix("ja/") for name, _ in _errors(lint(folder))]
        with pytest.raises((WriteError, BadTemplate)):
            _run(folder)
    assert f"plain/{file}" in said


@pytest.mark.parametrize("line", LETTERS[:-2])
def test_a_letter_that_reaches_out_is_refused_before_it_is_set(line: str) -> None:
    source = f"\n{line}\n#letter\n"
    assert typst_source.faults(source)[0].line == 2
    edited = _edited({"refund/letter.typ": source})
    with pytest.raises(LimitExceeded) as stopped:
        edited.check_letter(WRITER.sample("refund", "decided"))
    assert stopped.value.field == "refund/letter.typ"


def test_what_reaches_out_is_refused_at_its_line() -> None:
    source = "\n" + "\n".join(line.replace("\n", " ") for line in LETTERS) + "\n#letter\n"
    found = _errors(lint(_changed("letter.typ", source)))
    assert {("ja/plain/letter.typ", n) for n in range(2, 2 + len(LETTERS))} <= found


def test_what_is_said_in_a_comment_or_a_string_is_no_code() -> None:
    fine = '\n// read("x"), import, plugin\n#let x = "read(import)"\n#letter\n'
    assert lint(_changed("letter.typ", fine)) == []


def _edited(files: Mapping[str, str]) -> Writer:
    """A writer with a refund notice that somebody has changed."""
    folder = WRITER.folders["ja", "refund"]
    return WRITER.with_versions(
        [WRITER.wording(of_files("ja", "refund", {**folder.files, **files}))]
    )


def test_one_letter_without_end_is_one_letter_refused() -> None:
    """Typst counts to ten thousand million for one reader; a child of this process dies of it."""
    source = """
#letter
#if data.to.name == "誰か" {
  for i in range(100000) { for j in range(100000) { let k = i } }
}
"""
    c = WRITER.sample("refund", "decided")
    letters = [replace(c, number=f"M{n:09d}") for n in range(3)]
    letters[2] = replace(letters[2], recipient=replace(c.recipient, name="誰か"))
    letters_of = _edited({"refund/letter.typ": source})._letters
    pieces = [letters_of.piece(c) for c in letters]
    setting = Setting(typeface(Stationery()), seconds=1)
    with pytest.raises(PiecesRefused) as refused:
        setting.bulk(pieces)
    [(place, fault)] = refused.value.faults.items()
    assert place == 2
    assert isinstance(fault, LimitExceeded)
    assert (fault.field, fault.reason) == ("refund/letter.typ", Reason.RENDER_LIMIT)
    del letters[2], pieces[2]
    assert setting.bulk(pieces).pdf == WRITER.letters(letters).pdf


def test_a_letter_that_wants_all_memory_is_refused() -> None:
    edited = _edited({"refund/letter.typ": "\n#letter\n#let x = range(1000000000)\n"})
    with pytest.raises(LimitExceeded, match="memory"):
        edited.letter(WRITER.sample("refund", "decided"))


def test_what_came_with_the_program_is_set_in_this_process() -> None:
    """And a version with the same files is the same, whoever published it."""
    folder = WRITER.folders["ja", "refund"]
    assert not WRITER.wording(folder).edited
    assert not WRITER.wording(unpacked("ja", "refund", folder.content)).edited
    changed = {**folder.files, "refund/letter.typ": "\n#letter\n// x\n"}
    assert WRITER.wording(of_files("ja", "refund", changed)).edited
    assert Writer.of([folder], Stationery()).wording(folder).edited


def test_the_notices_of_the_program_are_far_within_the_limits() -> None:
    for (_, name), folder in WRITER.folders.items():
        assert max(map(len, folder.files.values())) * 4 < limits.FILE
        assert sum(map(len, folder.files.values())) * 4 < limits.VERSION
        phrases = Phrases(folder, LABELS)
        for step in folder.notice.steps:
            for c in WRITER.samples(name, step).values():
                for channel in folder.notice.channels:
                    values = context.values(c, folder.notice, channel)
                    if channel is Channel.EMAIL:
                        phrases.mail(step, values)
                    phrases.plain_words(step, values)
                    assert spent() * 10 < limits.WORK
    assert beyond_limits(WRITER.folders["ja", "card_error"]) == []
