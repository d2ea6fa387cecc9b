"""The grammar: what parses to which tree, and what is said where it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import ExpressionInvalid
from projections.expressions.parser import MAX_CHARACTERS, parse
from projections.expressions.tree import And, Arithmetic, Call, Chain, Const, IfElse, Name, Negate, Node, Not, Or
from projections.expressions.unparse import unparse


def fault(text: str) -> tuple[int, int, str]:
    with pytest.raises(ExpressionInvalid) as caught:
        parse(text)
    (only,) = caught.value.faults
    return only.at, only.end, only.message


@pytest.mark.parametrize(
    ("text", "kind", "grouped"),
    [
        ("a or b and c", Or, "a or b and c"),
        ("(a or b) and c", And, "(a or b) and c"),
        ("not a and b", And, "not a and b"),
        ("not (a and b)", Not, "not (a and b)"),
        ("not a in b", Not, "not a in b"),
        ("a + b * c", Arithmetic, "a + b * c"),
        ("(a + b) * c", Arithmetic, "(a + b) * c"),
        ("a - (b - c)", Arithmetic, "a - (b - c)"),
        ("(a - b) - c", Arithmetic, "a - b - c"),
        ("a / (b * c)", Arithmetic, "a / (b * c)"),
        ("-(a + b)", Negate, "-(a + b)"),
        ("- a * b", Arithmetic, "-a * b"),
        ("a <b<= c", Chain, "a < b <= c"),
        ("(a < b) == c", Chain, "(a < b) == c"),
        ("a not in [1, -2.50]", Chain, "a not in [1, -2.5]"),
        ("x if a else y if b else z", IfElse, "x if a else y if b else z"),
        ("(x if a else y) if b else z", IfElse, "(x if a else y) if b else z"),
        ("x if a or b else y", IfElse, "x if a or b else y"),
        ("max(a,b , 3)", Call, "max(a, b, 3)"),
        ("event.in", Name, "event.in"),
        ("a\n  and b", And, "a and b"),
        ("'it\\'s'", Const, "'it\\'s'"),
        ('"it\'s"', Const, "'it\\'s'"),
        ("'\\d+'", Const, "'\\\\d+'"),
    ],
)
def test_trees(text: str, kind: type[Node], grouped: str) -> None:
    tree = parse(text)
    assert isinstance(tree, kind)
    assert unparse(tree) == grouped


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1_000_000),
        ("0.5", 500_000),
        ("1e3", 1_000_000_000),
        ("2.0000005", 2_000_000),
        ("2.0000015", 2_000_002),
        ("0.1234565000001", 123_457),
        ("- - 5", 5_000_000),
        ("true", True),
        ("null", None),
        ("'\\\\'", "\\"),
        ("'\\.'", "\\."),
    ],
)
def test_literals(text: str, value: object) -> None:
    tree = parse(text)
    assert isinstance(tree, Const)
    assert tree.value == value
    assert type(tree.value) is type(value)


def test_places_include_parentheses_and_operators() -> None:
    tree = parse("(a + b) * c > max(1, 2)")
    assert isinstance(tree, Chain)
    left, right = tree.operands
    assert (tree.at, tree.end) == (0, 23)
    assert (left.at, left.end) == (0, 11)
    assert (right.at, right.end) == (14, 23)


OPERAND = "a value: a number, a text in quotes, a name, a function, a list or '('"
DURATIONS = "durations are compared as numbers, as in days_since(x) > 14 or hours_since(x) > 36"
OPERATOR = "an operator such as ==, <, and, + or the end"


@pytest.mark.parametrize(
    ("text", "at", "end", "message"),
    [
        ("", 0, 1, "the expression is empty"),
        ("  ", 0, 2, "the expression is empty"),
        ("1 +", 3, 4, f"found the end, expected {OPERAND}"),
        ("a +* b", 3, 4, f"found '*', expected {OPERAND}"),
        ("'it''s'", 4, 7, f"found 's', expected {OPERATOR}"),
        ("a b", 2, 3, f"found 'b', expected {OPERATOR}"),
        ("a AND b", 2, 5, f"found 'AND', expected {OPERATOR}; did you mean 'and'?"),
        ("a adn b", 2, 5, f"found 'adn', expected {OPERATOR}; did you mean 'and'?"),
        ("a = 1", 2, 3, "found '='; write '=='"),
        ("a && b", 2, 4, "found '&&'; write 'and'"),
        ("a || b", 2, 4, "found '||'; write 'or'"),
        ("!a", 0, 1, "found '!'; write 'not'"),
        ("a <> b", 2, 4, "found '<>'; write '!='"),
        ("a => b", 2, 4, "found '=>'; write '>='"),
        ("a ≥ b", 2, 3, "found '≥'; write '>='"),
        ("a ** 2", 2, 4, "found '**'; write x * x"),
        ("a // 2", 2, 4, "found '//'; write '/'"),
        ("a % 2", 2, 3, "found '%', which has no meaning in an expression"),
        ("\u201ca\u201d", 0, 1, "found \u201c; texts are quoted with ' or \""),
        ("'a", 0, 2, "the text that ' opens has no closing '"),
        ("max(1, 2", 8, 9, "found the end, expected ',' or ')' to go on with or close max(...)"),
        ("[1 2]", 3, 4, "found '2', expected ',' or ']' to go on with or close the list"),
        ("(1, 2)", 2, 3, "found ',', expected ')'; a list is written [a, b]"),
        ("(a", 2, 3, "found the end, expected ')' to close the '(' at character 1"),
        ("x if y", 6, 7, "found the end, expected 'else' and the value otherwise, as in 'x if condition else y'"),
        ("x is 5", 5, 6, "found '5', expected 'null' or 'not null' after 'is'; values are compared with '=='"),
        (
            "a < b is null",
            6,
            8,
            "found 'is', expected 'and' or the end: 'is null' asks one value, so put it in parentheses",
        ),
        ("event.", 6, 7, "found the end, expected a name after '.'"),
        ("event.f(1)", 7, 8, "found '(', expected an operator or the end: functions have plain names"),
        (
            "last > 14d",
            7,
            10,
            f"'14d' is neither a number nor a name; {DURATIONS}",
        ),
        ("1_000 < a", 0, 5, "'1_000' is neither a number nor a name; a number has digits only"),
        ("a > 1e15", 4, 8, "a number must be smaller than 10^15 in size; found 1e15"),
        ("(" * 50 + "a", 40, 41, "an expression nests at most 40 deep"),
        ("not " * 50 + "a", 156, 159, "an expression nests at most 40 deep"),
        ("-" * 50 + "a", 39, 40, "an expression nests at most 40 deep"),
    ],
)
def test_errors(text: str, at: int, end: int, message: str) -> None:
    assert fault(text) == (at, end, message)


def test_limits() -> None:
    assert len(list(parse(" + ".join(["a"] * 100)).walk())) == 199
    _, _, message = fault(" + ".join(["a"] * 101))
    assert message == "an expression has at most 200 parts; make some of them traits or segments"
    assert isinstance(parse("a" + " " * (MAX_CHARACTERS - 1)), Name)
    _, end, message = fault("a" + " " * MAX_CHARACTERS)
    assert (end, message) == (2_001, "an expression has at most 2,000 characters; this one has 2,001")
    assert len(list(parse(" + ".join(["a"] * 300), limited=False).walk())) == 599


@given(st.text(alphabet="ab1.'\"\\ ()[],+-*/<>=!&|inorft\n", max_size=60) | st.text(max_size=40))
def test_any_text_parses_or_is_refused_within_itself(text: str) -> None:
    try:
        tree = parse(text)
    except ExpressionInvalid as error:
        assert error.faults
        for found in error.faults:
            assert 0 <= found.at < found.end <= len(text) + 1
        return
    assert parse(unparse(tree)) == parse(unparse(parse(unparse(tree))))
