"""A template sees values, never Python, files or endless work behind them."""

import shutil
from pathlib import Path

import pytest

from notifier.rendering.errors import WriteError
from notifier.rendering.writer import Writer

ATTACKS = [
    "{% set a = ''.__class__.__mro__ %}",
    "{% set a = brand.__class__ %}",
    "{% set a = self.__init__.__globals__ %}",
    "{% set a = cycler.__init__.__globals__.os %}",
    "{% set a = sections.append(1) %}",
    "{% set a = '{0.__class__}'.format(brand) %}",
    "{% set a = 'x' * 999999999 %}",
    "{% set a = 9 ** 999999999 %}",
    "{% for i in range(99999999) %}{% endfor %}",
    "{% set a = unknown_word %}",
    "{% set a = brand.unknown_word ~ '' %}",
    "{% set a = deadline %}",
    "{% macro a() %}{% endmacro %}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_template_cannot_reach_out(templates: Path, tmp_path: Path, attack: str) -> None:
    copy = tmp_path / "templates"
    shutil.copytree(templates, copy)
    words = copy / "ja" / "card_error" / "words.txt"
    words.write_text(words.read_text() + attack)
    writer = Writer(copy)
    with pytest.raises(WriteError):
        writer.mail(writer.sample("card_error", "first"), token="t", message_id="a@b.jp")


@pytest.mark.parametrize("source", ['#read("/etc/hostname")', '#import "@preview/x:1.0.0": *'])
def test_a_letter_reads_no_file(templates: Path, tmp_path: Path, source: str) -> None:
    copy = tmp_path / "templates"
    shutil.copytree(templates, copy)
    (copy / "ja" / "refund" / "letter.typ").write_text(f"\n{source}\n#letter\n")
    writer = Writer(copy)
    with pytest.raises(WriteError, match="letter"):
        writer.letter(writer.sample("refund", "decided"))


@pytest.mark.parametrize("link", ['<a href="https://evil.example">', "<img src=//evil.example/x>"])
def test_a_template_cannot_link_elsewhere(templates: Path, tmp_path: Path, link: str) -> None:
    copy = tmp_path / "templates"
    shutil.copytree(templates, copy)
    blocks = copy / "ja" / "_base" / "blocks.html"
    text = blocks.read_text().replace("{% macro contact(who) %}", "{% macro contact(who) %}" + link)
    blocks.write_text(text)
    writer = Writer(copy)
    with pytest.raises(WriteError, match="links"):
        writer.mail(writer.sample("card_error", "first"), token="t", message_id="a@b.jp")
