"""Verbs and groups of them: their help and what is wrong with their use come from the catalogues.

The help of ``notifier messages list`` is ``help.messages.list``, that of its option ``--state``
``help.messages.list.state``, else ``help.any.state``. Nothing of it is read before it is shown.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final, NoReturn, TypeVar, cast
from unicodedata import east_asian_width

import typer
from typer import _click
from typer._coercion import bool_flag_type_descriptor, resolve_type_descriptor
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.models import OptionInfo

from notifier.model.characters import printable
from notifier.rendering.labels import LABELS, label

from .language import LANGUAGES, WrongUse, asked_for, language, print_as_json, wrong_use

#: Where the root's ``--code`` stands among what click keeps of a call.
CODE: Final = "notifier.code"
_F = TypeVar("_F", bound=Callable[..., Any])
#: What is not broken: a word with the blank behind it, a wide character with its punctuation.
_PIECE: Final = re.compile(r"[ -~]+?(?: |(?=[^ -~])|$)|[^ -~][、。（）：「」]*")
_WIDTH: Final = 100  # at most, of help
_SETTINGS: Final = {"help_option_names": ["-h", "--help"]}


def help_text(key: str) -> str:
    """Return the help of a verb, ``notifier`` being empty; nothing where there is none."""
    return LABELS.catalogue(language()).get(f"help.{key or 'notifier'}", "")


def param_help(key: str, param: Any) -> str:
    """Return the help of an option or argument of a verb."""
    name = param.name if param.param_type_name == "argument" else max(param.opts, key=len)[2:]
    return help_text(f"{key}.{name}") or help_text(f"any.{name}")


def key_of(ctx: Any) -> str:
    """Return the words that a verb is called by, without the program: ``messages.list``."""
    names: list[str] = []
    while ctx.parent is not None:
        names.insert(0, ctx.info_name)
        ctx = ctx.parent
    return ".".join(names)


def _common_options() -> list[TyperOption]:
    """Options that every verb and every group has."""

    def take(_ctx: Any, _param: Any, value: bool | None) -> None:
        print_as_json(bool(value))

    text, flag = resolve_type_descriptor(str, OptionInfo()), bool_flag_type_descriptor()
    json = TyperOption(param_decls=["--json"], type_descriptor=flag, is_flag=True, callback=take)
    lang = TyperOption(param_decls=["--lang"], type_descriptor=text, metavar="|".join(LANGUAGES))
    json.expose_value = lang.expose_value = False
    return [json, lang]


class _Said(_click.Command):
    """Help and refusals in the language of the run."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write usage, what the verb does, its arguments and options, and the verbs of a group."""
        for line in self._lines(ctx, min(formatter.width, _WIDTH)):
            formatter.write(line.rstrip() + "\n")

    def _lines(self, ctx: Any, width: int) -> Iterator[str]:
        key = key_of(ctx)
        yield self.get_usage(ctx)
        yield ""
        for paragraph in help_text(key).split("\n"):
            yield from _wrapped(paragraph, width)
        params = [p for p in self.get_params(ctx) if not getattr(p, "hidden", False)]
        for kind in ("argument", "option"):
            some = [p for p in params if p.param_type_name == kind]
            yield from _section(kind, [(_shown(p), _about(p, key)) for p in some], width)
        yield from _section("verb", self.verbs(ctx, key), width)

    def verbs(self, ctx: Any, key: str) -> list[tuple[str, str]]:
        """Return the verbs of a group, each with the first line of its help."""
        del ctx, key
        return []

    def get_usage(self, ctx: Any) -> str:
        """Return how the verb is called, in a line."""
        params = [p for p in self.get_params(ctx) if p.param_type_name == "argument"]
        pieces = [_argument(p) if p.required else f"[{_argument(p)}]" for p in params]
        words = [ctx.command_path, label("help.options", language()), *pieces]
        if isinstance(self, TyperGroup):
            words.append(label("help.verb_and_words", language()))
        return f"{label('help.usage', language())}: {' '.join(words)}"


def _section(kind: str, pairs: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    if pairs:
        yield ""
        yield f"{label(f'help.section_{kind}', language())}:"
        names = max(map(_size, (name for name, _ in pairs)))
        for name, text in pairs:
            first, *more = _wrapped(text, max(width - names - 4, 20))
            yield f"  {name}{' ' * (names - _size(name))}  {first}"
            yield from (" " * (names + 4) + line for line in more)


def _size(text: str) -> int:
    """Return the columns of a text on the terminal."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines; without what ``runtime.layout`` loads, which help can do without."""
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        if line and _size(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]


def _argument(param: Any) -> str:
    name = str(param.metavar or param.name.upper().strip("_"))
    return name if param.nargs == 1 or name.endswith("…") else f"{name}…"


def _shown(param: Any) -> str:
    if param.param_type_name == "argument":
        return _argument(param)
    names = "/".join([", ".join(sorted(param.opts, key=len)), *param.secondary_opts])
    if param.is_flag:
        return names
    return f"{names} {param.metavar or param.name.upper().strip('_')}"


def _choices(param: Any) -> str:
    return ", ".join(str(getattr(c, "value", c)) for c in param.type_descriptor.choices or ())


def _about(param: Any, key: str) -> str:
    said = [param_help(key, param)]
    if choices := _choices(param):
        said.append(label("help.choices", language(), values=choices))
    if param.required and param.param_type_name == "option":
        said.append(label("help.required", language()))
    default = param.default
    if param.show_default and default not in (None, "", [], ()) and not isinstance(default, bool):
        shown = getattr(default, "value", default)
        said.append(label("help.default", language(), value=shown))
    return " ".join(filter(None, said))


class Verb(_Said, TyperCommand):
    """A verb; it takes ``--json`` and ``--lang``, and refuses words that it has no use for."""

    allow_extra_args = True

    def __init__(self, *args: Any, **attrs: Any) -> None:
        """Add the options that every verb has."""
        super().__init__(*args, **attrs)
        self.params += _common_options()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; refuse what is left over."""
        for param in self.params:
            if getattr(param, "prompt", None):
                cast("Any", param).prompt = label(f"help.prompt_{param.name}", language())
        if rest := super().parse_args(ctx, args):
            wrong_use("extra_words", words=printable(" ".join(rest)))
        return rest


class Group(_Said, TyperGroup):
    """Verbs about one noun, or all of them."""

    def __init__(self, *args: Any, **attrs: Any) -> None:
        """Add the options that every verb has."""
        super().__init__(*args, **attrs)
        self.params += _common_options()

    def verbs(self, ctx: Any, key: str) -> list[tuple[str, str]]:
        """Return the verbs that are not hidden, each with the first line of its help."""
        known = self.commands
        names = [n for n in self.list_commands(ctx) if not getattr(known.get(n), "hidden", False)]
        before = f"{key}." if key else ""
        return [(n, help_text(before + n).split("\n")[0]) for n in names]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the verb that the first word names; name those of others that are like it."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.list_commands(ctx), n=3)
            code = "no_such_verb_near" if near else "no_such_verb"
            wrong_use(code, word=printable(args[0]), near=", ".join(near))
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run what the words say, and end: with 2 and a sentence where they say nothing."""
        del prog_name, standalone_mode
        words = sys.argv[1:] if args is None else list(args)
        with asked_for(words):
            try:
                code = super().main(
                    words, "notifier", complete_var, False, windows_expand_args, **extra
                )
            except _click.exceptions.UsageError as problem:
                _refuse(problem)
            except typer.Abort:
                sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def _refuse(problem: Any) -> NoReturn:
    if isinstance(problem, _click.exceptions.NoArgsIsHelpError):
        typer.echo(problem.message, err=True)
        sys.exit(2)
    if problem.ctx is not None:
        typer.echo(problem.ctx.get_usage(), err=True)
        typer.echo(label("help.try", language(), command=problem.ctx.command_path), err=True)
    typer.echo(f"✗ {_reason(problem)}", err=True)
    sys.exit(2)


def _reason(problem: Any) -> str:
    kinds = _click.exceptions
    if isinstance(problem, kinds.NoSuchOption):
        near = ", ".join(sorted(problem.possibilities or ()))
        name = printable(problem.option_name)
        code = "no_such_option_near" if near else "no_such_option"
        return label(f"usage.{code}", language(), name=name, near=near)
    if isinstance(problem, kinds.BadOptionUsage):
        return label("usage.option_value", language(), name=problem.option_name)
    if isinstance(problem, kinds.BadParameter) and not isinstance(problem, WrongUse):
        return _about_value(problem)
    return str(problem.message)


def _about_value(problem: Any) -> str:
    param, kind = problem.param, problem.param.type_descriptor
    name = param.opts[-1] if param.param_type_name == "option" else param.display_name_raw
    params: dict[str, object] = {"name": name}
    if kind.choices:
        params["allowed"] = _choices(param)
    if isinstance(problem, _click.exceptions.MissingParameter):
        return label(f"usage.missing{'_choice' if kind.choices else ''}", language(), **params)
    if kind.is_ranged:
        params |= {"least": param.min, "most": f"{param.max:,}" if param.max else "…"}
    quoted = re.search("'([^']*)'", str(problem.message))  # the value, whatever else it says
    value = f" ({printable(quoted[1])})" if quoted else ""
    return label(f"usage.bad_{_kind(kind)}", language(), **params) + value


def _kind(kind: Any) -> str:
    tests: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("choice", lambda: bool(kind.choices)),
        ("range", lambda: bool(kind.is_ranged)),
        ("path", lambda: bool(kind.is_path)),
        ("day", lambda: bool(kind.is_datetime)),
    )
    return next((name for name, holds in tests if holds()), "value")


class Verbs(typer.Typer):
    """A noun, to which verbs are added; its help is in the catalogues."""

    def __init__(self, cls: type[Group] = Group) -> None:
        """Take no text: the name under which a noun is added says where its help is."""
        super().__init__(
            cls=cls,
            no_args_is_help=True,
            add_completion=False,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings=dict(_SETTINGS),
        )

    def command(self, name: str | None = None, **more: Any) -> Callable[[_F], _F]:
        """Add a verb."""
        return super().command(name, cls=Verb, **more)
