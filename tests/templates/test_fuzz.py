"""Whatever is written as a template, it renders or is refused, and nothing else happens."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import RenderFailed, RulebookInvalid
from templates.catalogue import stock
from templates.check import check_templates
from tests.templates.drawn import FIELDS, LITERALS, NAMES, WORDS, templates
from tests.templates.letters import given as context_of
from tests.templates.letters import text_of


def answer(source: str, key: str) -> str:
    try:
        text = text_of(source, context_of(), key=key)
    except RenderFailed as failure:
        text = failure.cause
    except RulebookInvalid as refusal:
        text = refusal.problems[0].message
    assert " object at 0x" not in text
    assert "cannot be computed" not in text  # an operand that nobody judged
    assert "cannot be compiled" not in text
    return text


@settings(max_examples=300, deadline=None)
@given(templates(), st.sampled_from(["a/sms.txt", "a/email.html", "a/email.ru.txt", "a/email.subject"]))
def test_a_template_of_the_language_renders_or_is_refused(source: str, key: str) -> None:
    assert answer(source, key) == answer(source, key)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS + NAMES + FIELDS + LITERALS) | st.text(max_size=3), max_size=25).map(" ".join))
def test_any_words_render_or_are_refused(source: str) -> None:
    answer(source, "a/sms.txt")


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_letter_renders_or_is_refused(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(stock())))
    source = stock()[key]
    start = data.draw(st.integers(0, len(source)))
    length = data.draw(st.integers(0, 40))
    damaged = source[:start] + data.draw(st.text(max_size=5)) + source[start + length :]
    answer(damaged, "a/" + key.partition("/")[2])
    check_templates({"a/" + key.partition("/")[2]: damaged}, [])
