"""What each filter, test and operator gives."""

from __future__ import annotations

import pytest

from events.errors import RenderFailed, RulebookInvalid
from templates.filters import FILTERS, TESTS
from tests.templates.letters import given, text_of

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

FILTER_CASES = [
    ("{{ (-3) | abs }} {{ (-1.5) | abs }}", "3 1.5"),
    ("{% for row in [1, 2, 3] | batch(2) %}[{{ row | join(',') }}]{% endfor %}", "[1,2][3]"),
    ("{{ 'cat HOUSE' | capitalize }}", "Cat house"),
    ("{{ [1, 2] | count }}{{ 'abc' | length }}{{ none | length }}{{ {'a': 1} | length }}", "2301"),
    ("{{ none | default('x') }}{{ links.shop | d('y') }}{{ 0 | default('n') }}", "xy0"),
    ("{{ customer.last_name | d('friend') }}", "friend"),
    ("{{ [1, 2] | first }}{{ [1, 2] | last }}{{ [] | first }}{{ [] | last | default('none') }}", "12none"),
    ("{{ ['a', none, 2] | join(', ') }}", "a, 2"),
    ("{{ items | join('; ', attribute='name') }}", "scratching post; cat house"),
    ("{{ '2026-03-31' | long_date }}", "31 March 2026"),
    ("{{ '2026-03-31T10:00:00+02:00' | long_date('lv') }}", "2026. gada 31. marts"),
    ("{{ 'ÀB' | lower }}{{ 'straße' | upper }}", "àbSTRASSE"),
    ("{{ items | map(attribute='sku') | join }}", "s-1s-2"),
    ("{{ [3, 1, 2] | max }}{{ [3, 1, 2] | min }}{{ [] | max }}{{ items | max('price') }}", "3149.9"),
    (
        "{{ 1234.5 | money('EUR') }} {{ 0.125 | money }} {{ 0.135 | money }} {{ 5 | money(none) }}",
        "€1,234.50 0.12 0.14 5.00",
    ),
    ("{{ (-5) | money('USD') }} {{ 5 | money('SEK') }}", f"{MINUS}$5.00 5.00{NBSP}SEK"),
    (
        "{{ 1234567.5 | number }} {{ 2.5 | number(0) }} {{ 3.5 | number(0) }} {{ (0 - 0.001) | number(2) }}",
        "1,234,567.5 2 4 0.00",
    ),
    ("{{ items | rejectattr('sku', 's-1') | join(attribute='name') }}", "cat house"),
    ("{{ 'a_b_c' | replace('_', ' ') }}", "a b c"),
    ("{{ [1, 2, 3] | reverse | join }}", "321"),
    ("{{ 2.5 | round }} {{ (-2.5) | round }} {{ 1.005 | round(2) }} {{ 1.25 | round(1) }}", "3 -3 1.01 1.3"),
    (
        "{{ items | selectattr('quantity') | length }}{{ items | selectattr('quantity', 2) | join(attribute='sku') }}",
        "2s-2",
    ),
    (
        "{{ ['a'] | sentence }}; {{ ['a', 'b'] | sentence }}; {{ ['a', 'b', 'c'] | sentence }}; {{ [] | sentence }}",
        "a; a and b; a, b and c; ",
    ),
    ("{{ [3, none, 1.5] | sort | join('<') }} {{ ['b', 'B', 'a'] | sort(reverse=true) | join }}", "1.5<3 baB"),
    ("{{ items | sort('price') | join(attribute='sku') }}", "s-2s-1"),
    ("{{ [1, none, 2.5] | sum }} {{ items | sum('quantity') }} {{ [] | sum }}", "3.5 3 0"),
    ("[{{ '  a ' | trim }}]", "[a]"),
    (
        "{{ 'scratching post' | truncate(12) }} {{ 'abc' | truncate(3) }} {{ 'abcd' | truncate(3, '.') }}",
        "scratching… abc ab.",
    ),
    (
        "{{ ['a', 'A', 'a'] | unique | join }} {{ items | unique('sku') | count }} {{ [1, true] | unique | count }}",
        "aA 2 2",
    ),
    ("{{ 'a b&ž/' | urlencode }}", "a%20b%26%C5%BE%2F"),
]
TEST_CASES = [
    ("{{ customer is defined }}{{ links.unsubscribe is defined }}", "yesyes"),
    ("{{ traits.ordrs is undefined }}{{ traits.ordrs is defined }}", "yesno"),
    ("{{ traits.nps is none }}{{ traits.nps is null }}{{ 0 is none }}", "yesyesno"),
    ("{{ 3 is odd }}{{ 3 is even }}{{ 0 is even }}{{ none is even }}{{ none is odd }}", "yesnoyesnono"),
    ("{{ 9 is divisibleby(3) }}{{ 9 is divisibleby(0) }}", "yesno"),
    ("{{ 'a' is string }}{{ 1 is string }}{{ 1 is number }}{{ true is number }}{{ 1.5 is number }}", "yesnoyesnoyes"),
]
OPERATOR_CASES = [
    ("{{ 1 + 2 * 3 - 4 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ 7 % 3 }} {{ 1 / 3 }} {{ 2 / 3 }}", "3 3.5 3 1 0.333333 0.666667"),
    ("{{ 0.1 + 0.2 }} {{ 6 / 2 }} {{ -traits.orders }} {{ +traits.orders }}", "0.3 3 -2 2"),
    ("[{{ 1 / 0 }}{{ 1 + none }}{{ -none }}{{ none | upper }}{{ none | money }}{{ none | number }}]", "[]"),
    ("{{ 'a' + 'b' }}{{ 'a' ~ 1 ~ none ~ true ~ 1.50 }}", "aba1yes1.5"),
    ("{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'B' < 'a' }} {{ 1.0 == 1 }} {{ true == 1 }}", "yes no yes yes no"),
    ("{{ none < 1 }} {{ none >= 1 }} {{ none == none }} {{ none != 1 }}", "no no yes yes"),
    (
        "{{ 'cat' in 'cat house' }} {{ 'toys' in traits.bought }} {{ 'x' not in traits.bought }} {{ 'a' in none }}",
        "yes yes yes no",
    ),
    ("{{ 'code' in offer }} {{ 'x' in {'x': 1} }} {{ 1 in [1.0] }} {{ true in [1] }}", "yes yes yes no"),
    ("{{ 'abcdef'[1:3] }}{{ 'abc'[-1] }}{{ [1, 2, 3][::2] | join }}{{ none[:2] }}", "bcc13"),
    ("{{ (1, 2)[0] }}{{ {'a': {'b': 3}}.a.b }}{{ [[1, 2], [3]][0][1] }}", "132"),
    ("{{ 'yes' if traits.orders == 2 }}{{ 'x' if false }}", "yes"),
    ("{{ none.anything.at.all }}{{ event.nothing.like.it }}{{ traits[none] }}", ""),
    ("{% set x = 1 %}{% with y = x + 1 %}{{ x }}{{ y }}{% endwith %}", "12"),
    ("{% for k in offer %}{{ k }} {% endfor %}", "code percent category expires_on "),
    ("{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }} {% endfor %}", "12 34 "),
    (
        "{% for i in items %}{{ loop.index }}{{ loop.cycle('a', 'b') }}{{ '' if loop.last else ',' }}{% endfor %}",
        "1a,2b",
    ),
    (
        "{% for i in none %}x{% else %}nothing{% endfor %}{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}",
        "nothing321",
    ),
    ("{{ true }}{{ false }}{{ none }}{{ 1e3 }}{{ 0.0000001 }}{{ 12.50 }}", "yesno1000012.5"),
    ("{# a remark #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
]


@pytest.mark.parametrize(("source", "expected"), FILTER_CASES + TEST_CASES + OPERATOR_CASES)
def test_what_is_written(source: str, expected: str) -> None:
    assert text_of(source + ".") == expected + "."


def test_every_filter_and_test_has_a_case() -> None:
    sources = " ".join(source for source, _ in FILTER_CASES + TEST_CASES)
    missing = [name for name in FILTERS if f"| {name}" not in sources]
    assert missing + [name for name in TESTS if f"is {name}" not in sources] == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ 'a' * 2 }}", "a number belongs here; found a text"),
        ("{{ true + 1 }}", "a number belongs here; found a flag"),
        ("{{ 1 < 'a' }}", "a number and a text have no order"),
        ("{{ true < false }}", "a flag and a flag have no order"),
        ("{{ [1, 'a'] | sort }}", "a number and a text have no order"),
        ("{{ items == items }}", "a text, number, flag or null belongs here; found a list"),
        ("{{ items | sort | length }}", "a text, number, flag or null belongs here; found a group of fields"),
        ("{{ 5 | first }}", "a list belongs here; found a number"),
        ("{{ 5 | length }}", "a number has no length"),
        ("{{ 'x' | long_date }}", "a date is written like 2026-03-31; found 'x'"),
        ("{{ '2026-02-30' | long_date }}", "a date is written like 2026-03-31; found '2026-02-30'"),
        ("{{ '2026-03-31xyz' | long_date }}", "a date is written like"),
        ("{{ '2026-03-31' | long_date('xx') }}", "how the language 'xx' writes dates"),
        ("{{ 'a' | replace('', 'b') }}", "replace needs a text to look for"),
        ("{{ 1.5 | round(0.5) }}", "a whole number belongs here; found 0.5"),
        ("{{ [1][1] }}", "there is no item 1 in a list of 1"),
        ("{{ traits.ordrs }}", "a group of fields has no 'ordrs'"),
        ("{% if traits.ordrs %}{% endif %}", "a group of fields has no 'ordrs'"),
        ("{% for x in traits.ordrs %}{% endfor %}", "a group of fields has no 'ordrs'"),
        ("{{ traits.ordrs ~ 'x' }}", "a group of fields has no 'ordrs'"),
        ("{{ traits.ordrs.more }}", "a group of fields has no 'ordrs'"),
        ("{{ traits.ordrs == 1 }}", "a group of fields has no 'ordrs'"),
        ("{{ [traits.ordrs] | join }}", "a group of fields has no 'ordrs'"),
        ("{{ traits.ordrs | upper }}", "a group of fields has no 'ordrs'"),
        ("{{ -traits.ordrs }}", "a group of fields has no 'ordrs'"),
        ("{{ {1: 2} }}", "a field's name is a text; found a number"),
        ("{{ traits.orders.more }}", "a number has no 'more'"),
        ("{{ [1][::0] | join }}", "the step of a slice cannot be 0"),
    ],
)
def test_what_cannot_be_told(source: str, words: str) -> None:
    with pytest.raises(RenderFailed) as failed:
        text_of("\n" + source)
    assert words in failed.value.cause
    assert (failed.value.template, failed.value.line) == ("a/sms.txt", 2)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ 'a' | uper }}", "no filter is called 'uper'; did you mean 'upper'?"),
        ("{{ 1 is defind }}", "no test is called 'defind'; did you mean 'defined'?"),
        ("{{ custmer.name }}", "nothing is called 'custmer'; did you mean 'customer'?"),
        ("{% fro x in items %}", "no tag is called 'fro'"),
        ("{{ 'a' | truncate }}", "filter 'truncate': missing a required argument: 'length'"),
        ("{{ 'a' | upper(1) }}", "filter 'upper': too many positional arguments"),
        ("{{ 'a' | truncate(length=1, at=2) }}", "unexpected keyword argument 'at'"),
        ("{% if 1 %}", "Unexpected end of template"),
        ("{{ 1 + }}", "unexpected 'end of print statement'"),
        ("{{ 'a }}", "unexpected char"),
        ("{{ range(1, 2, 3, 4) }}", "range takes one to three numbers"),
    ],
)
def test_what_cannot_be_compiled(source: str, words: str) -> None:
    with pytest.raises(RulebookInvalid) as failed:
        text_of("one\ntwo\n" + source)
    assert [(one.file, one.line) for one in failed.value.problems] == [("templates/a/sms.txt", 3)]
    assert words in failed.value.problems[0].message


def test_a_misspelled_name_of_one_branch_is_told_when_it_is_missed() -> None:
    source = "{% if traits.orders > 2 %}{% set word = 'more' %}{% endif %}{{ word }}"
    assert text_of(source, given(traits={"orders": 3})) == "more"
    with pytest.raises(RenderFailed, match="nothing is called 'word'"):
        text_of(source)
