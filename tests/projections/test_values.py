"""What expressions are worth: exact numbers, null by every operator, lists, dates, and sums beyond 64 bits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.projections.lives import DAY, START, Life, at, program, world

TRAITS = {
    "n": "{last: thing_measured.amount}",
    "label": "{last: thing_measured.label}",
    "ok": "{last: thing_measured.ok}",
    "seen": "{last: thing_measured.seen_at}",
    "day": "{last: thing_measured.day}",
    "none": "{last: order_completed.total}",
    "no_text": "{last: order_completed.coupon}",
    "no_time": "{last_at: order_completed}",
    "no_flag": "{last: reward_flagged.ok}",
    "labels": "{set: thing_measured.label}",
    "amounts": "{set: thing_measured.amount}",
    "latest": "{recent: thing_measured.amount, limit: 3}",
}
DECLARED = "  reward_flagged: {ok: flag}\n"


def text(traits: dict[str, str], **conditions: str) -> str:
    made = world(TRAITS | traits, **conditions)
    head, rest = made.split("traits:", 1)
    return f"{head}{DECLARED}traits:{rest}"


def measured(condition_or_formula: str, *amounts: float, formula: bool = False, **fields: Any) -> Any:
    """A condition's truth, or a formula's exact value, after measurements of these amounts; the fields of each."""
    if formula:
        life = Life(text({"f": f'{{formula: "{condition_or_formula}"}}'}))
    else:
        life = Life(text({}, s=condition_or_formula))
    for place, amount in enumerate(amounts or (None,)):
        life.event("thing_measured", START + place, **({"amount": amount} | fields))
    return life.trait("f") if formula else life.inside("s")


@pytest.mark.parametrize(
    ("formula", "amount", "expected"),
    [
        ("n + 0.1", 0.2, Fraction(3, 10)),
        ("n / 3", 1, Fraction(1, 3)),
        ("n / 3 * 3", 1, 1),
        ("1 / n / n", 7, Fraction(1, 49)),
        ("1 / (0 - n)", 4, Fraction(-1, 4)),
        ("-n / -3", 5, Fraction(5, 3)),
        ("-(n - 8) / (n - 7)", 5, Fraction(-3, 2)),
        ("n / (n - 5)", 5, None),
        ("(n - 5) / n", 5, 0),
        ("(n - 5) / (n - 5)", 5, None),
        ("coalesce(1 / (n - 5), 7)", 5, 7),
        ("1 / (1 / n)", 0, None),
        ("1 / (1 / n)", 9, 9),
        ("abs(n) / 2", -3, Fraction(3, 2)),
        ("min(n, 1 / 3)", 1, Fraction(1, 3)),
        ("max(n / 7, 1 / 3)", 2, Fraction(1, 3)),
        ("max(n / 7, n / 8, 2 / 5)", 3, Fraction(3, 7)),
        ("n * n * n", 0.000001, Fraction(1, 10**18)),
        ("n * n", 999999999999999, 999999999999999**2),
        ("round(n)", 0.5, 1),
        ("round(n)", -0.5, -1),
        ("round(n)", 1.5, 2),
        ("round(n)", 2.5, 3),
        ("round(n)", -2.5, -3),
        ("round(n)", 2.499999, 2),
        ("round(n, 2)", 2.345, Fraction(235, 100)),
        ("round(n, 2)", -2.345, Fraction(-235, 100)),
        ("round(n / 3, 1)", 1, Fraction(3, 10)),
        ("round(n / 3)", -2, -1),
        ("round(2 / n)", -4, -1),
        ("round(n, 1)", 2.25, Fraction(23, 10)),
        ("len(labels) + len(latest)", 5, 2),
        ("1 if n > 2 else 1 / 3", 2, Fraction(1, 3)),
        ("(1 if n > 2 else none) + 1", 2, None),
    ],
)
def test_numbers_are_exact(formula: str, amount: float, expected: Any) -> None:
    assert measured(formula, amount, formula=True, label="a") == expected


def test_doubles_never_take_part() -> None:
    """0.1 ten times is 1, and a tenth of a cent on ten thousand milliards is still seen."""
    traits = {"sum": "{sum: thing_measured.amount}", "mean": "{mean: thing_measured.amount}"}
    life = Life(text(traits, one="sum == 1", tenth="mean == 0.1", more="sum > 900000000000000"))
    for place in range(10):
        life.event("thing_measured", START + place, amount=0.1)
    assert life.inside("one") and life.inside("tenth")
    life.event("thing_measured", START + 10, amount=899999999999999)
    assert not life.inside("more")
    life.event("thing_measured", START + 11, amount=0.000001)
    assert life.inside("more")


NULLS = [
    # A comparison with a null on either side is false, and so is each link of a chain.
    *((f"none {op} 1", False) for op in ("<", "<=", ">", ">=", "==", "!=")),
    *((f"1 {op} none", False) for op in ("<", "<=", ">", ">=", "==", "!=")),
    *((f"none {op} none", False) for op in ("<", "<=", ">", ">=", "==", "!=")),
    *((f"no_text {op} 'a'", False) for op in ("<", "<=", ">", ">=", "==", "!=")),
    *((f"'a' {op} no_text", False) for op in ("==", "!=")),
    *((f"no_text {op} label", False) for op in ("==", "!=", "<")),
    *((f"no_time {op} seen", False) for op in ("<", ">", "==", "!=")),
    *((f"no_time {op} day", False) for op in ("<", ">", "==", "!=")),
    ("no_flag == true", False),
    ("no_flag != true", False),
    ("no_flag != ok", False),
    ("no_flag", False),
    ("not no_flag", True),
    ("not none >= 9", True),
    ("none in [1, 2]", False),
    ("none not in [1, 2]", False),
    ("no_text in ['a']", False),
    ("no_text not in ['a']", False),
    ("no_text in labels", False),
    ("no_text not in labels", False),
    ("none in amounts", False),
    ("none not in latest", False),
    ("0 < none < 9", False),
    ("not 0 < none < 9", True),
    ("1 < 2 < none", False),
    ("none is null", True),
    ("none is not null", False),
    ("n is null", False),
    ("n is not null", True),
    ("no_flag is null", True),
    # Arithmetic and functions of a null are null.
    *((f"(none {op} n) is null", True) for op in ("+", "-", "*", "/")),
    *((f"(n {op} none) is null", True) for op in ("+", "-", "*", "/")),
    ("-none is null", True),
    ("abs(none) is null", True),
    ("min(n, none) is null", True),
    ("max(none, n, n / 3) is null", True),
    ("round(none, 2) is null", True),
    ("lower(no_text) is null", True),
    ("days_since(no_time) is null", True),
    ("hours_since(no_time) < 1", False),
    ("coalesce(none, n) == 5", True),
    ("coalesce(none, none) is null", True),
    ("coalesce(no_text, label) == 'a'", True),
    ("coalesce(n / 0, 3) == 3", True),
    ("(none if n > 4 else n) is null", True),
    ("(none if n > 5 else n) == 5", True),
    ("(n if none > 4 else 7) == 7", True),
    ("starts_with(no_text, 'a')", False),
    ("starts_with(label, no_text)", False),
    ("matches(no_text, '')", False),
    ("not matches(no_text, '')", True),
    ("n / 0 is null", True),
    ("n / (n - 5) > 1 or n > 4", True),
    # and, or, not know two values
    ("none > 1 or n > 1", True),
    ("none > 1 and n > 1", False),
    ("not (none > 1 and n > 1)", True),
]


@pytest.mark.parametrize(("condition", "expected"), NULLS)
def test_null(condition: str, expected: bool) -> None:
    assert measured(condition, 5, label="a", ok=True, seen_at=START, day="2023-11-14") is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("1 < n < 9", True),
        ("5 <= n <= 5", True),
        ("5 < n < 9", False),
        ("1 < n > 3", True),
        ("n == 5 == 5", True),
        ("9 > n > 4 > 1", True),
        ("9 > n > 4 > 4", False),
        ("1 <= n / 3 < 1.7", True),
        ("1 <= n / 3 < 5 / 3", False),
        ("n in [5, 6]", True),
        ("n not in [5, 6]", False),
        ("n in [5.000001]", False),
        ("n / 2 in [2.5]", True),
        ("n / 3 in [1.666667]", False),
        ("n / 3 not in [1.666667]", True),
        ("n / 3 * 3 in [5]", True),
        ("n * 2 in [10]", True),
        ("1 / n in [0.2]", True),
        ("5 in amounts", True),
        ("n + 1 in amounts", False),
        ("n in latest", True),
        ("'a' in labels", True),
        ("'b' not in labels", True),
        ("label in ['b', 'a']", True),
        ("label < 'b'", True),
        ("label >= 'A'", True),
        ("lower(label) == 'a'", True),
        ("starts_with(label, '')", True),
        ("matches(label, '^a$')", True),
        ("ok == true", True),
        ("ok", True),
        ("ok != false", True),
        ("seen < day", False),
        ("seen > day", True),
        ("days_since(day) < 1", True),
        ("seen >= day and day <= seen", True),
        ("day == day", True),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:
    life = measured(condition, 5, label="a", ok=True, seen_at=START, day="2023-11-14")
    assert life is expected  # START is 2023-11-14T22:13:20Z


@pytest.mark.parametrize("zone", ["UTC", "Europe/Riga", "America/New_York", "Pacific/Apia", None])
def test_a_date_meets_a_time_at_local_midnight(zone: str | None) -> None:
    offsets = {"UTC": "+00:00", "Europe/Riga": "+03:00", "America/New_York": "-04:00", "Pacific/Apia": "+13:00"}
    midnight = at(f"2026-07-01T00:00:00{offsets[zone or 'Europe/Riga']}")
    made = text({}, on="seen == day", after="seen > day", before="day > seen", since="hours_since(day) == 6")
    for shift, expected in ((-1, ["before"]), (0, ["on"]), (1, ["after"])):
        life = Life(made + "policy: {time_zone: Europe/Riga}\n")
        life.event("profile_updated", midnight + 6 * 3_600_000, time_zone=zone)
        life.event("thing_measured", midnight + 6 * 3_600_000, seen_at=midnight + shift, day="2026-07-01")
        assert [name for name in ("on", "after", "before") if life.inside(name)] == expected
        assert life.inside("since")


LARGE = 999_999_999_999_999


@pytest.mark.parametrize(
    ("definition", "many", "with_one_less"),
    [
        ("{sum: thing_measured.amount}", 20 * LARGE, 20 * LARGE - 1),
        ("{sum: thing_measured.amount, within: 90d}", 20 * LARGE, 20 * LARGE - 1),
        ("{mean: thing_measured.amount}", LARGE, Fraction(20 * LARGE - 1, 21)),
    ],
)
def test_sums_pass_64_bits(definition: str, many: int, with_one_less: Any) -> None:
    life = Life(text({"much": definition}, rich="much >= 900000000000000"))
    for place in range(20):
        life.event("thing_measured", START + place, amount=LARGE)
    assert life.trait("much") == many
    raw = life.program.codec.encode(life.state)
    assert raw[:1] == b"\xc1"
    assert life.program.codec.decode(raw) == life.state
    life.state = life.program.codec.decode(raw)
    life.event("thing_measured", START + 20, amount=-1)
    assert life.trait("much") == with_one_less
    life.until(START + 100 * DAY)
    assert life.inside("rich") == ("within" not in definition)


@pytest.mark.parametrize("plain", [False, True])
def test_right_beside_a_cut_is_not_on_it(plain: bool) -> None:
    """An average goes from 2 to half a millionth more, and back."""
    traits = {
        "spend": "{sum: order_completed.total}",
        "orders": "{count: order_completed}",
        "basket": "{mean: order_completed.total}",
        "average": "{formula: spend / orders}",
    }
    conditions = {"over": "average > 2", "on": "basket == 2", "at_most": "basket <= 2", "from_here": "average >= 2"}
    life = Life(program(world(traits, **conditions), plain=plain))
    for place, total in enumerate((2, 2.000001, 1.999999, 1.999999, 2)):
        life.order(START + place, total)
    assert life.moves("over") == [(START + 1, True), (START + 2, False)]
    assert [(when - START, now) for when, now in life.moves("on")] == [(0, True), (1, False), (2, True), (3, False)]
    assert life.moves("at_most") == [(START, True), (START + 1, False), (START + 2, True)]
    assert life.moves("from_here") == [(START, True), (START + 3, False)]


@pytest.mark.parametrize("plain", [False, True])
def test_a_first_value_may_be_any_number(plain: bool) -> None:
    life = Life(program(text({}, other="n != 3", less="n < 3"), plain=plain))
    life.event("page_viewed", START, url="u").event("thing_measured", START + 1, amount=-LARGE)
    assert life.moves("other") == life.moves("less") == [(START + 1, True)]
