"""Templates that are run on slots: whatever looks at a value is noticed."""

import pytest

from notifier.rendering.errors import WriteError
from notifier.rendering.skeleton import _check_links
from notifier.rendering.text.slots import Amount, Observed
from notifier.rendering.text.tracing import Tracing
from notifier.rendering.words import Pages

NAME, SUM = "\U000f0000", "\U000f0001"
VALUES = {"name": NAME, "amount": Amount("amount", SUM), "list": [NAME], "plain": "x"}
VALUES["table"] = {"name": NAME}


def rendered(source: str, *, escape: bool = False) -> str:
    environment = Tracing({"t": source}, escape=escape, filters={})
    return environment.get_template("t").render(VALUES)


def test_an_amount_is_printed_in_one_piece() -> None:
    assert rendered("{{ amount | yen }}") == SUM
    assert rendered("{{ amount | yen }}", escape=True) == f"<nobr>{SUM}</nobr>"


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("{{ name }}様", f"{NAME}様"),
        ('{{ name ~ "様" }}', f"{NAME}様"),
        ('{{ "a" + name }}', f"a{NAME}"),
        ('{{ list | join("、") }}', NAME),
        ("{% for one in list %}{{ one }}{% endfor %}", NAME),
        ("{% if name %}{{ name }}{% endif %}", NAME),
        ("{% if name is defined %}{{ name }}{% endif %}", NAME),
        ('{% if plain == "x" %}{{ name }}{% endif %}', NAME),
        ("{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m(name) }}", f"[{NAME}]"),
        ("{% set x %}{{ name }}!{% endset %}{{ x }}", f"{NAME}!"),
        ('{{ {"a": name}["a"] }}', NAME),
        ('{{ name | default("-") }}', NAME),
        ("{% for one in table.values() %}{{ one }}{% endfor %}", NAME),
        ('{{ table.get("name") }}', NAME),
    ],
)
def test_what_only_passes_a_value_on(source: str, made: str) -> None:
    assert rendered(source) == rendered(source, escape=True) == made


@pytest.mark.parametrize(
    "source",
    [
        '{% if name == "x" %}{% endif %}',
        '{% if "x" != name %}{% endif %}',
        "{% if name in list %}{% endif %}",
        '{% if "x" in name %}{% endif %}',
        "{{ name | length }}",
        "{{ name | upper }}",
        "{{ list | first | length }}",
        "{{ list | sort }}",
        '{{ name | replace("a", "b") }}',
        "{{ name | safe }}",
        "{{ name[:2] }}",
        "{{ name[0] }}",
        "{{ name.upper() }}",
        '{{ {"x": 1}[name] }}',
        "{% for c in name %}{{ c }}{% endfor %}",
        '{% for c in name ~ "x" %}{{ c }}{% endfor %}',
        '{{ "%.1s" % name }}',
        '{{ "%s" | format(name) }}',
        '{{ "x".startswith(name) }}',
        "{{ range(amount) }}",
        "{% if name is string %}{% endif %}",
        "{% if name is eq(plain) %}{% endif %}",
        "{% set x %}{{ name }}{% endset %}{% if x | length > 3 %}{% endif %}",
        "{{ amount }}",
        "{{ amount + 1 }}",
        "{{ 1 - amount }}",
        "{{ -amount }}",
        "{% if amount %}{% endif %}",
        "{% if amount > 3 %}{% endif %}",
        "{% if amount is odd %}{% endif %}",
        "{{ amount | abs }}",
        "{{ amount.real }}",
        "{{ name | e }}",
        '{{ list.count("x") }}',
        "{{ table.values() | sort }}",
        "{{ table.values() | max }}",
        '{% if "x" in table.values() %}{% endif %}',
        "{% for one in table.values() | list | sort %}{% endfor %}",
        "{{ (list ~ '') | length }}",
        "{{ [list] | join | length }}",
        "{% set x %}{{ list }}{% endset %}{{ x | length }}",
        "{% set a, b = name ~ 'x' %}{{ a }}",
        "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(*name) }}",
    ],
)
def test_what_looks_at_a_value(source: str) -> None:
    with pytest.raises(Observed):
        rendered(source)


def test_to_escape_for_html_is_to_pass_on_only_in_html() -> None:
    assert rendered("{{ name | e }}", escape=True) == NAME


@pytest.mark.parametrize("how", ["true", "false"])
def test_where_escaping_changes_nothing_is_prepared(how: str) -> None:
    with pytest.raises(WriteError):
        rendered("{% autoescape " + how + " %}{{ name }}{% endautoescape %}")


def test_a_value_may_be_looked_at_behind_one_that_may_not() -> None:
    """What is observed is named, so that only that becomes part of the key."""
    with pytest.raises(Observed) as found:
        rendered("{{ name }}{{ amount }}")
    assert found.value.names == {"amount"}


def test_values_side_by_side_might_make_a_link() -> None:
    """``ww`` and ``w.example.com``."""
    _check_links(Pages("", f"{NAME}、{SUM}", ""), ())
    with pytest.raises(Observed):
        _check_links(Pages("", f"{NAME}{SUM}", ""), ())
