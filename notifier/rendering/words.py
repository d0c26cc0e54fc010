"""Templates into text: a notice's wording first, then the layouts that carry it.

Wording (``words.txt``) is a Jinja template whose top-level variables are the words. It is run
twice, once for plain text and letters and once with HTML escaping, so that every form of a
message says the same and no value can become markup.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from jinja2 import Template, TemplateError, Undefined, UndefinedError
from jinja2.exceptions import TemplateSyntaxError
from markupsafe import Markup

from notifier.model.notice import Notice
from notifier.model.states import Channel
from notifier.rendering.errors import BadTemplate, LimitExceeded, WriteError
from notifier.rendering.folder import BASE, Folder
from notifier.rendering.labels import Labels
from notifier.rendering.mail.mjml import to_html
from notifier.rendering.text import filters as bounded
from notifier.rendering.text import limits
from notifier.rendering.text import limits as meter
from notifier.rendering.text.forms import forms_of
from notifier.rendering.text.lines import folded, hanging, is_long, marked
from notifier.rendering.text.sandbox import Sandbox
from notifier.rendering.text.slots import SLOT, Amount, Observed

#: Filters of ours: those that a writer adds here, and those of every sandbox.
FILTERS: Final = frozenset(
    {
        "date", "dialled", "flat", "label", "lines", "linked", "number", "paragraphs", "phrases",
        "plain_date", "postcode", "wareki", "yen",
    }
)  # fmt: skip
_FLOWED: Final = 1024  # texts in lines; letters of a mailing have most of them in common
# A run of spaces is looked at from its beginning only, or long ones would take for ever.
_BREAK: Final = re.compile(r"(?<![ \t])[ \t]*+\n[ \t]*+")
_PARAGRAPHS: Final = re.compile(r"(?<![ \t])[ \t]*+\n(?:[ \t]*+\n)++[ \t]*+")
_ASCII_BREAK: Final = re.compile(r"(?<=[!-~])[ \t]*\n[ \t]*(?=[!-~])")


#: Whether a line break between two lines becomes a space depends on the characters beside it.
_EDGE: Final = re.compile(rf"{SLOT.pattern}[ \t]*\n|\n[ \t]*{SLOT.pattern}")


@dataclass(frozen=True, slots=True)
class Pages:
    """A mail in words."""

    subject: str
    text: str  # ends with a line break
    html: str


class Phrases:
    """All templates of one notice in one language, compiled."""

    def __init__(
        self, folder: Folder, labels: Labels, sandbox: Callable[..., Sandbox] = Sandbox
    ) -> None:
        """``sandbox``: what the templates run in, a class of the kind of :class:`Sandbox`."""
        self.folder = folder
        filters = {
            "paragraphs": bounded.of_one(_paragraphs),
            "phrases": bounded.phrase(marked),
            "linked": bounded.of_one(_linked),
            "lines": bounded.phrase(hanging),
            "label": bounded.weighed(_labelling(labels, folder.language)),
        }
        forms = forms_of(folder.language)
        self._plain = sandbox(folder.files, escape=False, filters=filters, forms=forms)
        self._html = sandbox(_pages(folder), escape=True, filters=filters, forms=forms)
        self._compile()

    def mail(self, step: str, values: Mapping[str, Any]) -> Pages:
        """A mail with these values filled in."""
        plain = {**values, **self.plain_words(step, {**values, **self._folded(step, values)})}
        subject = self.text("subject.txt", step, plain)
        text = self.text("body.txt", step, plain) + "\n"
        escaped = self.html_words(step, values)
        html = self.html(step, {**values, **escaped, "subject": subject})
        return Pages(subject, text, html)

    def _folded(self, step: str, values: Mapping[str, Any]) -> dict[str, str]:
        """Sentences among the facts, in lines; those of the wording are broken by its author."""
        given = {f.name: values[f.name] for f in self.folder.notice.fields_for(step)}
        long = {k: v for k, v in given.items() if is_long(v)}
        for name, text in long.items():
            if len(text) > limits.PHRASE:
                raise LimitExceeded(f"has more than {limits.PHRASE} characters", name)
        return {k: folded(v) for k, v in long.items()}

    def text(self, file: str, step: str, context: Mapping[str, Any]) -> str:
        """A plain template filled in; ``context`` holds the values and the plain words."""
        template = self._plain.get_template(self.folder.named(file, step))
        return _run(template, context).strip("\n")

    def html(self, step: str, context: Mapping[str, Any]) -> str:
        """The page filled in; ``context`` holds the values and the escaped words."""
        return _run(self._html.get_template(self.folder.named("body.mjml", step)), context)

    def plain_words(self, step: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The words of a step as plain text; paragraphs are parted by empty lines."""
        return self._words(self._plain, step, values)

    def html_words(self, step: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The words of a step, escaped for HTML."""
        return self._words(self._html, step, values)

    def _words(self, environment: Sandbox, step: str, values: Mapping[str, Any]) -> dict[str, Any]:
        keep = environment is self._plain and values["channel"] == Channel.EMAIL
        words: dict[str, Any] = {}
        for name in (f"{BASE}/words.txt", self.folder.named("words.txt", step)):
            template = environment.get_template(name)
            try:
                meter.begin()
                module = template.make_module({**values, **words})
                found = vars(module).items()
                words |= {k: _tidy(k, v, keep) for k, v in found if not k.startswith("_")}
            except Exception as error:
                raise _wrapped(error, name) from error
        return words

    def _compile(self) -> None:
        for name, text in self.folder.files.items():
            if not name.endswith((".txt", ".html")):
                continue
            environment = self._html if name.endswith(".html") else self._plain
            try:
                meter.begin()  # constants are worked out now
                environment.get_template(name)
            except TemplateSyntaxError as error:
                lines = text.split("\n")
                line = lines[error.lineno - 1][:200] if 0 < error.lineno <= len(lines) else ""
                raise BadTemplate(
                    name, f"line {error.lineno}", f"{error.message}: {line}"
                ) from None


def _pages(folder: Folder) -> dict[str, str]:
    """The files for the escaping environment: each ``body.mjml`` as the page it compiles to."""
    pages = dict(folder.files)
    notice: Notice = folder.notice
    if Channel.EMAIL in notice.channels:
        names = {folder.named("body.mjml", step) for step in notice.steps}
        pages |= {name: to_html(name, folder.files) for name in names}
    return pages


def _labelling(labels: Labels, language: str) -> Callable[[object, str], str]:
    def labelled(value: object, kind: str) -> str:
        """The label of a value of an enum; a value without one is shown as it is."""
        key = f"{kind}.{value}"
        text = labels.label(key, language)
        return str(value) if text == key else text

    return labelled


def _linked(text: Any) -> Any:
    """An address as a link on a page; everything else as it is."""
    if str(text).startswith("https://"):
        return Markup('<a href="{0}">{0}</a>').format(text)
    return text


def _paragraphs(text: Any) -> list[Any]:
    parts = str(text).split("\n\n")
    return [Markup(part) for part in parts] if isinstance(text, Markup) else parts  # noqa: S704 (was escaped)


def _tidy(name: str, value: Any, keep: bool) -> Any:
    """A word as JSON knows it.

    ``keep``: whether the lines of the template's source are those of the message, as in plain
    text; pages and letters break lines themselves.
    """
    if isinstance(value, Markup):
        return Markup(_flow(str(value), keep))  # noqa: S704 (was escaped already)
    if isinstance(value, str | Undefined):
        return _flow(str(value), keep)  # an undefined value raises here
    if isinstance(value, list | tuple):
        meter.charge(1 + len(value))  # within other lists it may be there many times
        return [_tidy(name, item, keep) for item in value]
    if isinstance(value, dict):
        meter.charge(1 + len(value))
        return {key: _tidy(name, item, keep) for key, item in value.items()}
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Amount):
        raise Observed([value.path])
    raise WriteError(name, "is no text; put it through a filter, or name it with a leading _")


def _flow(text: str, keep: bool) -> str:
    if len(text) > meter.SHORT:
        meter.charge_text(len(text))
    return _flowed(text, keep) if "\n" in text else text


@lru_cache(_FLOWED)
def _flowed(text: str, keep: bool) -> str:
    parts = _PARAGRAPHS.split(text.strip(" \t\n"))
    if keep:
        return "\n\n".join(_BREAK.sub("\n", part) for part in parts)
    if edges := _EDGE.findall(text):
        raise Observed(SLOT.findall("".join(edges)))
    return "\n\n".join(_BREAK.sub("", _ASCII_BREAK.sub(" ", part)) for part in parts)


def _run(template: Template, context: Mapping[str, Any]) -> str:
    try:
        meter.begin()
        # As ``Template.render``, but for how that rewrites errors.
        made = template.root_render_func(template.new_context(dict(context)))
        return str(template.environment.concat(made))
    except Exception as error:
        raise _wrapped(error, template.name or "") from error


def _wrapped(error: Exception, name: str) -> WriteError | Observed:
    """Whatever a template runs into is a message that cannot be written."""
    if isinstance(error, LimitExceeded):
        return LimitExceeded(error.message, *(_place(error) or (name, 0)))
    if isinstance(error, WriteError | Observed):
        return error
    if isinstance(error, RecursionError | MemoryError):
        return LimitExceeded("takes too much room", name)
    if isinstance(error, UndefinedError):
        # What is looked up may be a value of the message, which is not repeated.
        found = re.search(r"'([a-z][a-z_]{0,39})'(?: is undefined|$)", error.message or "")
        return WriteError(found[1] if found else "template", "is used but not known")
    if isinstance(error, TemplateError):
        return WriteError("template", type(error).__name__)
    return WriteError("template", f"a value is of the wrong type ({type(error).__name__})")


def _place(error: Exception) -> tuple[str, int] | None:
    """File and line of the template in which an error came up."""
    found, trace = None, error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            found = template.name or "", template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return found
