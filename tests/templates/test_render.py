"""A message's parts: escaped where they are HTML, one line where they are a header, and the same every time."""

from __future__ import annotations

from decimal import ROUND_UP, localcontext

import pytest

from events.errors import RenderFailed, RulebookInvalid
from templates.catalogue import stock
from templates.render import Renderer
from tests.templates.letters import ITEMS, given, text_of

SCRIPT = "<script>alert('x')</script>"


def test_html_is_escaped_and_text_is_not() -> None:
    context = given(event={"items": [{"name": SCRIPT}]})
    source = "{% for item in items %}{{ item.name }}{% endfor %}"
    escaped = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"
    assert text_of(source, context, key="a/email.html") == escaped
    assert text_of(source, context, key="a/email.ru.html") == escaped
    assert text_of(source, context, key="a/email.txt") == SCRIPT
    assert text_of(source, context, key="a/email.subject") == SCRIPT
    assert text_of(source, context, key="a/sms.txt") == SCRIPT


@pytest.mark.parametrize(
    "expression",
    [
        "items | sentence('name')",
        "items | map(attribute='name') | join('<br>')",
        "items[0].name ~ '<b>'",
        "items[0].name + '<b>'",
        "items[0].name | upper",
        "items[0].name | replace('x', '<')",
        "(items[0].name, '<')[0]",
        "{'a': items[0].name}.a",
        "none | default(items[0].name)",
        "items[0].name if true",
        "items[0].name[:3]",
    ],
)
def test_nothing_made_of_given_text_slips_through_unescaped(expression: str) -> None:
    context = given(event={"items": [{"name": SCRIPT}]})
    written = text_of("{{ " + expression + " }}", context, key="a/email.html")
    assert "<" not in written
    assert "&lt;" in written


def test_text_that_calls_itself_safe_is_escaped_all_the_same() -> None:
    class Safe(str):
        __slots__ = ()

        def __html__(self) -> str:
            return "<b>"

        def __str__(self) -> str:
            return "<i>"

    context = given(profile={"first_name": Safe(SCRIPT)})
    assert text_of("{{ customer.first_name }}", context, key="a/email.html").startswith("&lt;script&gt;")


def test_a_link_in_an_attribute_is_escaped_once() -> None:
    source = '<a href="{{ links.unsubscribe }}">x</a>'
    assert text_of(source, key="a/email.html") == '<a href="https://shop.example/stop?c=1&amp;m=2">x</a>'


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("Ann\r\nBcc: all@shop.example", "Hi Ann Bcc: all@shop.example !"),
        ("Ann\nBcc: x", "Hi Ann Bcc: x !"),
        ("Ann\rBcc: x", "Hi Ann Bcc: x !"),
        ("Ann\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029Bcc", "Hi Ann Bcc !"),
        ("Ann\x00\x07Bcc", "Hi Ann Bcc !"),
        ("  Ann\t ", "Hi Ann !"),
    ],
)
def test_a_subject_is_one_line(name: str, subject: str) -> None:
    source = "Hi {{ customer.first_name }}\n!\n"
    assert text_of(source, given(profile={"first_name": name}), key="a/email.subject") == subject


@pytest.mark.parametrize("key", ["a/email.subject", "a/email.html", "a/email.txt", "a/sms.txt"])
def test_an_empty_part_is_not_sent(key: str) -> None:
    with pytest.raises(RenderFailed, match="nothing was written; a part cannot be empty"):
        text_of("{% if customer.last_name %}x{% endif %} \n", key=key)


def test_a_customer_gets_their_language_part_by_part() -> None:
    renderer = Renderer(
        {"a/email.subject": "one", "a/email.txt": "two", "a/email.ru.txt": "два", "a/email.ru.html": "да"}
    )
    assert renderer.render("a", "email", "ru", given()) == {"subject": "one", "html": "да", "txt": "два"}
    assert renderer.render("a", "email", "lv", given()) == {"subject": "one", "txt": "two"}


@pytest.mark.parametrize(
    ("template", "channel", "words"),
    [
        ("a", "email", "template 'a' has no subject for the channel 'email'"),
        ("a", "push", "template 'a' has no txt for the channel 'push'"),
        ("b", "sms", "template 'b' has no txt for the channel 'sms'"),
        ("c", "email", "template 'c' has no html or txt for the channel 'email'"),
    ],
)
def test_a_message_without_its_parts_is_not_sent(template: str, channel: str, words: str) -> None:
    renderer = Renderer({"a/sms.txt": "x", "a/email.txt": "x", "c/email.subject": "x"})
    with pytest.raises(RenderFailed, match=words):
        renderer.render(template, channel, None, given())


def test_all_faults_of_all_templates_are_told_at_once() -> None:
    with pytest.raises(RulebookInvalid) as failed:
        Renderer({"a/sms.txt": "\n{{ x }}", "b/sms.txt": "{% if %}", "c/sms.doc": "x", "d/sms.txt": "x"})
    assert [(one.file, one.line) for one in failed.value.problems] == [
        ("templates/a/sms.txt", 2),
        ("templates/b/sms.txt", 1),
        ("templates/c/sms.doc", 1),
    ]


def test_a_failure_names_template_line_and_cause() -> None:
    source = "one\n{% for item in items %}\n  {{ item.name.more }}\n{% endfor %}"
    with pytest.raises(RenderFailed) as failed:
        text_of(source, key="a/email.txt")
    assert str(failed.value) == "templates/a/email.txt:3: a text has no 'more'"
    assert (failed.value.template, failed.value.line, failed.value.cause) == ("a/email.txt", 3, "a text has no 'more'")


def test_templates_cannot_change_what_they_are_given() -> None:
    context = given()
    before = repr(context)
    text_of("{% set customer = 1 %}{% for items in items %}{% set event = 2 %}{% endfor %}x", context)
    assert repr(context) == before


def test_one_render_leaves_nothing_for_the_next() -> None:
    renderer = Renderer({"a/sms.txt": "{{ x | default('none') }}{% set x = customer.first_name %}{{ x }}"})
    assert renderer.render("a", "sms", None, given()) == {"txt": "noneAnn"}
    assert renderer.render("a", "sms", None, given(profile={"first_name": "Bob"})) == {"txt": "noneBob"}


def test_the_decimal_context_of_the_process_changes_nothing() -> None:
    source = "{{ 2 / 3 }} {{ 1234567.125 | money('EUR') }} {{ 2.5 | round }} {{ 0.1 + 0.2 }} {{ traits.spend }}"
    context = given(traits={"spend": 1234567.125})
    written = text_of(source, context)
    with localcontext() as ambient:
        ambient.prec = 2
        ambient.rounding = ROUND_UP
        ambient.capitals = 0
        assert text_of(source, context) == written


def test_sets_are_written_in_one_order() -> None:
    words = {f"w{n}" for n in range(50)}
    assert text_of("{{ traits.bought | join(' ') }}", given(traits={"bought": words})) == " ".join(sorted(words))


def test_windows_line_ends_and_plain_ones_give_the_same() -> None:
    assert text_of("a\r\nb\r\n{% if 1 %}\r\nc\r\n{% endif %}\r\n") == "a\nb\nc\n"


def test_stock_renders_alike_twice_and_in_a_new_renderer() -> None:
    context = given(event={"total": 5, "currency": "EUR", "items": ITEMS})
    first, second = Renderer(stock()), Renderer(dict(sorted(stock().items(), reverse=True)))
    for name in first.catalogue.names:
        for channel in first.catalogue.channels(name):
            rendered = first.render(name, channel, None, context)
            assert first.render(name, channel, None, context) == rendered
            assert second.render(name, channel, None, context) == rendered
