"""Each limit of a render holds at its exact boundary."""

from __future__ import annotations

import pytest

from events.errors import RenderFailed, RulebookInvalid
from templates import limits
from templates.plain import Variables
from templates.render import Renderer
from tests.templates.letters import given, text_of


def listed(count: int) -> Variables:
    return given(traits={"many": list(range(count))})


def refused(source: str, words: str, context: Variables | None = None, key: str = "a/sms.txt") -> None:
    with pytest.raises(RenderFailed, match=words):
        text_of(source, context, key=key)


def test_a_loop_has_a_thousand_items() -> None:
    source = "{% for i in traits.many %}x{% endfor %}"
    assert text_of(source, listed(1_000)) == "x" * 1_000
    refused(source, "a loop may have 1,000 items; this one has 1,001", listed(1_001))


def test_a_part_of_a_long_list_can_be_looped_over() -> None:
    assert text_of("{% for i in traits.many[:3] %}{{ i }}{% endfor %}", listed(5_000)) == "012"


@pytest.mark.parametrize(
    "walk", ["join", "sentence", "sum", "sort | first", "unique | first", "max", "reverse | first"]
)
def test_a_filter_walks_a_thousand_items(walk: str) -> None:
    assert text_of(f"{{{{ traits.many | {walk} }}}}", listed(1_000))
    refused(f"{{{{ traits.many | {walk} }}}}", "a filter may walk 1,000 items; this list has 1,001", listed(1_001))


def test_a_long_list_can_be_counted_and_looked_into() -> None:
    source = "{{ traits.many | length }} {{ traits.many | last }} {{ 4999 in traits.many }}"
    assert text_of(source, listed(5_000)) == "5000 4999 yes"


def test_a_render_takes_ten_thousand_turns() -> None:
    turns = "{% for a in range(10) %}{% for b in range(999) %}{% endfor %}{% endfor %}x"
    assert text_of(turns) == "x"  # 10 + 9,990
    refused(turns + "{% for c in [1] %}{% endfor %}", "a render may take 10,000 loop turns")


def test_turns_are_counted_where_a_condition_leaves_items_out() -> None:
    source = "{% for a in range(10) %}{% for b in range(1000) if b < 0 %}{% endfor %}{% endfor %}x"
    refused(source, "10,000 loop turns")


def test_a_render_makes_a_thousand_calls() -> None:
    source = "{% for a in range(111) %}{{ 1 | abs | abs | abs | abs | abs | abs | abs | abs | abs }}{% endfor %}x"
    assert text_of(source) == "1" * 111 + "x"  # range, and 9 times 111
    refused(source + "{{ 1 | abs }}", "a render may call 1,000 filters, tests and functions")
    refused(source + "{% if 1 is odd %}{% endif %}", "a render may call 1,000 filters, tests and functions")


def test_output_has_a_quarter_of_a_mebibyte() -> None:
    line = "y" * 1023
    source = "{% for a in range(256) %}" + line + "\n{% endfor %}"
    assert len(text_of(source)) == limits.MAX_OUTPUT_BYTES
    refused(source + "x", "a part may have 262,144 bytes")


def test_output_is_counted_in_bytes() -> None:
    source = "{% for a in range(256) %}" + "ž" * 512 + "{% endfor %}"
    assert len(text_of(source)) * 2 == limits.MAX_OUTPUT_BYTES
    refused(source + "x", "a part may have 262,144 bytes")


def test_escaping_counts_as_output() -> None:
    context = given(traits={"long": "&" * 50_000})
    assert len(text_of("{{ traits.long }}", context, key="a/email.html")) == 250_000
    refused("{{ traits.long }}{{ traits.long }}", "a part may have 262,144 bytes", context, key="a/email.html")


def test_a_text_has_a_quarter_of_a_million_characters() -> None:
    context = given(traits={"long": "x" * (limits.MAX_TEXT_CHARS - 1)})
    assert text_of("{{ (traits.long ~ 'y') | length }}", context) == "262144"
    refused("{{ (traits.long ~ 'yz') | length }}", "a text may have 262,144 characters", context)


def test_texts_together_have_four_million_characters() -> None:
    context = given(traits={"long": "x" * limits.MAX_TEXT_CHARS})
    assert text_of("{% for i in range(16) %}{% set y = traits.long ~ '' %}{% endfor %}x", context) == "x"
    source = "{% for i in range(16) %}{% set y = traits.long ~ '' %}{% endfor %}{{ 'x' ~ 'y' }}"
    refused(source, "the texts of a render may have 4,194,304 characters together", context)


def test_a_render_takes_a_million_steps() -> None:
    def source(additions: int) -> str:
        return "{% for a in range(10) %}{% for b in range(990) %}{% set y = " + "a + " * additions + "a %}"

    ending = "{% endfor %}{% endfor %}x"
    assert text_of(source(40) + ending) == "x"
    refused(source(40) + "{% set z = " + "a + " * 30 + "a %}" + ending, "a render may take 1,000,000 steps")


def test_each_part_is_a_render_of_its_own() -> None:
    turns = "{% for a in range(9) %}{% for b in range(999) %}{% endfor %}{% endfor %}x"
    templates = {"a/email.subject": turns, "a/email.html": turns, "a/email.txt": turns}
    assert Renderer(templates).render("a", "email", None, given()) == {"subject": "x", "html": "x", "txt": "x"}


def test_a_render_leaves_nothing_counted_for_the_next() -> None:
    renderer = Renderer({"a/sms.txt": "{% for a in range(9) %}{% for b in range(999) %}{% endfor %}{% endfor %}x"})
    assert [renderer.render("a", "sms", None, given()) for _ in range(3)] == [{"txt": "x"}] * 3


@pytest.mark.parametrize(
    ("within", "beyond", "words"),
    [
        ("{{ " + "(" * 12 + "1" + ")" * 12 + " }}", "{{ " + "(" * 13 + "1" + ")" * 13 + " }}", "brackets"),
        (
            "{% if 1 %}" * 12 + "1" + "{% endif %}" * 12,
            "{% if 1 %}" * 13 + "1" + "{% endif %}" * 13,
            "tags may be nested",
        ),
        ("{{ 1" + " + 1" * 56 + " }}", "{{ 1" + " + 1" * 60 + " }}", "nested 60 deep together"),
        ("{{ 1 ~ " + " ~ ".join("1" * 124) + " }}", "{{ 1 ~ " + " ~ ".join("1" * 126) + " }}", "a tag may have 250"),
        ("{{ 1 }}" * 4_000, "{{ 1 }}" * 4_001, "a template may have 4,000 tags"),
        ("x" * limits.MAX_SOURCE_CHARS, "x" * (limits.MAX_SOURCE_CHARS + 1), "a template may have 262,144 characters"),
    ],
)
def test_a_template_is_bounded(within: str, beyond: str, words: str) -> None:
    assert text_of(within)
    with pytest.raises(RulebookInvalid, match=words):
        text_of(beyond)
