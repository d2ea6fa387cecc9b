"""Random numbers and conditions: typed, so that the checker has nothing to refuse."""

from __future__ import annotations

from collections.abc import Callable

from tests.evaluator.generate_traits import text_test
from tests.evaluator.generate_values import CHANNELS, DAYS, LABELS, NUMBERS, PURPOSES, number_near
from tests.evaluator.making import COMPARISONS, Making, num, text
from tests.evaluator.model import Expr
from tests.evaluator.traits import sees_time


def number(make: Making, depth: int = 1) -> Expr:
    """A number that changes with events only."""
    rng = make.rng
    leaves = make.of_value("number")
    leaves = [leaf for leaf in leaves if not sees_time(leaf, make.rulebook())]
    leaves += [("call", "len", (ref,)) for ref in make.of_value("set:text", "list:text", "set:number", "text")[:2]]
    leaves += [("builtin", f"{what}.{rng.choice(CHANNELS)}") for what in ("sent", "opened", "clicked") if not leaves]
    leaves += [("profile", "shoe_size")] if make.chance(0.1) else []
    leaf = rng.choice(leaves)
    if depth == 0 or make.chance(0.5):
        return leaf
    other = num(rng.choice(NUMBERS)) if make.chance(0.4) else number(make, depth - 1)
    forms: list[Callable[[], Expr]] = [
        lambda: (rng.choice(["+", "-", "*", "/", "/"]), leaf, other),
        lambda: (rng.choice(["+", "-", "*", "/"]), other, leaf),
        lambda: ("neg", leaf),
        lambda: ("call", "abs", (("-", leaf, num(rng.choice(NUMBERS))),)),
        lambda: ("call", rng.choice(["min", "max"]), (leaf, other)),
        lambda: ("call", "round", (("/", leaf, num("3")), num(rng.choice(["0", "1", "2"])))),
        lambda: ("call", "coalesce", (leaf, other)),
        lambda: ("if", leaf, flag_or(make, depth), other),
    ]
    made = rng.choice(forms)()
    return leaf if sees_time(made, make.rulebook()) else made


def flag_or(make: Making, depth: int, share: float = 0.5) -> Expr:
    """A condition, now and then one that may be null if there is such a trait."""
    flags = make.of_value("flag")
    return make.rng.choice(flags) if flags and make.chance(share) else condition(make, depth - 1)


def moment(make: Making) -> Expr:
    """Something days_since takes."""
    rng = make.rng
    choices: list[Expr] = [*make.of_value("time", "date"), ("builtin", "last_seen_at"), ("builtin", "known_since")]
    choices.append(("profile", "birthday"))
    some = rng.choice(choices)
    if make.chance(0.1) and make.of_value("time"):
        return ("call", "coalesce", (make.of_value("time")[0], ("builtin", "known_since")))
    return some


def moving(make: Making, depth: int = 1) -> Expr:
    """A number that moves with time."""
    rng = make.rng
    leaf: Expr = ("call", "days_since" if make.chance(0.8) else "hours_since", (moment(make),))
    if depth == 0 or make.chance(0.5):
        return leaf
    still = num(rng.choice(DAYS)) if make.chance(0.6) else number(make, 0)
    other = moving(make, 0)
    forms: list[Callable[[], Expr]] = [
        lambda: (rng.choice(["+", "-"]), leaf, still),
        lambda: ("-", still, leaf),
        lambda: ("*", still, leaf),
        lambda: ("/", leaf, num(rng.choice(["2", "7", "-3"]))),
        lambda: ("neg", leaf),
        lambda: (rng.choice(["+", "-"]), leaf, other),
        lambda: ("call", "abs", (("-", leaf, num(rng.choice(DAYS))),)),
        lambda: ("call", rng.choice(["min", "max"]), (leaf, still, other)),
        lambda: ("call", "coalesce", (leaf, still)),
        lambda: ("if", leaf, flag_or(make, 1), still),
        lambda: ("if", leaf, (">", other, num(rng.choice(DAYS))), other),
    ]
    return rng.choice(forms)()


# Conditions


def condition(make: Making, depth: int = 2) -> Expr:
    """Something true or false."""
    rng = make.rng
    if depth > 0 and make.chance(0.3):
        parts = tuple(flag_or(make, depth, 0.3) for _ in range(rng.choice([2, 2, 3])))
        return (rng.choice(["and", "or"]), parts)
    if depth > 0 and make.chance(0.1):
        return ("not", condition(make, depth - 1))
    if depth > 0 and make.chance(0.04):
        return ("if", *(condition(make, 0) for _ in range(3)))
    forms = [number_test] * 5 + [moving_test] * 4 + [membership_test] * 2 + [collection_test] * 2 + [other_test] * 3
    return rng.choice(forms)(make, depth)


def number_test(make: Making, depth: int) -> Expr:
    rng = make.rng
    left = number(make, min(depth, 1))
    right = num(number_near(rng)) if make.chance(0.75) else number(make, 0)
    if make.chance(0.12):
        return ("chain", (rng.choice(["<", "<="]), rng.choice(["<", "<=", "!="])), (num("0"), left, right))
    return (rng.choice(COMPARISONS), left, right)


def moving_test(make: Making, depth: int) -> Expr:
    rng = make.rng
    left = moving(make, min(depth, 1))
    right = num(rng.choice(DAYS)) if make.chance(0.75) else number(make, 0)
    if make.chance(0.1):
        return ("chain", ("<", "<="), (num("1"), left, right))
    if make.chance(0.2):
        return (rng.choice(COMPARISONS), right, left)
    return (rng.choice(COMPARISONS), left, right)


def membership_test(make: Making, depth: int) -> Expr:
    rng = make.rng
    known = make.dimensions.items()
    choices: list[Expr] = [("segment", name) for name in make.segments]
    for name, dimension in known:
        values = dimension.values() or tuple(LABELS)
        choices.append((rng.choice(["==", "!="]), ("dimension", name), text(rng.choice(values))))
        some = tuple(text(value) for value in rng.sample(values, min(2, len(values))))
        choices.append((rng.choice(["in", "not in"]), ("dimension", name), ("list", some)))
    return rng.choice(choices) if choices else number_test(make, depth)


def collection_test(make: Making, depth: int) -> Expr:
    rng = make.rng
    collections = make.of_value("set:text", "list:text", "set:number", "list:number")
    if not collections:
        return number_test(make, depth)
    ref = rng.choice(collections)
    if make.traits[ref[1]].value.endswith("number"):
        sought = num(number_near(rng)) if make.chance(0.6) else number(make, 0)
    else:
        texts = make.of_value("text")
        sought = rng.choice(texts) if texts and make.chance(0.4) else text(rng.choice(LABELS))
    return (rng.choice(["in", "in", "not in"]), sought, ref)


def other_test(make: Making, depth: int) -> Expr:
    """Texts, flags, nulls, times, consents."""
    rng = make.rng
    choices: list[Callable[[], Expr]] = [
        lambda: ("consent", rng.choice(CHANNELS), rng.choice(PURPOSES)),
        lambda: text_test(make, ("profile", "city")),
        lambda: (rng.choice(["is null", "is not null"]), ("profile", rng.choice(["city", "phone", "birthday"]))),
        lambda: ("<", moment(make), moment(make)),
        lambda: (rng.choice(["is null", "is not null"]), rng.choice(nullable(make))),
    ]
    if texts := make.of_value("text"):
        choices += [lambda: text_test(make, rng.choice(texts))] * 2
    if flags := make.of_value("flag"):
        flag = rng.choice(flags)
        choices += [lambda: flag, lambda: ("not", flag), lambda: ("==", flag, ("flag", True))]
    return rng.choice(choices)()


def nullable(make: Making) -> list[Expr]:
    found: list[Expr] = [("trait", name) for name, trait in make.traits.items() if trait.nullable]
    return found or [("profile", "city")]
