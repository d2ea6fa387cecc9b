"""Random traits, segments and dimensions: typed, so that the checker has nothing to refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.evaluator.generate_values import (
    CHANNELS,
    DAYS,
    DURATIONS,
    HALF_LIVES,
    LABELS,
    NUMBERS,
    PURPOSES,
    number_near,
)
from tests.evaluator.model import Dimension, Expr, Rulebook, Segment, Trait
from tests.evaluator.schema import fields_of
from tests.evaluator.traits import WINDOWED, sees_time

CUSTOM = {"thing_measured": {"amount": "number", "label": "text", "ok": "flag", "seen_at": "time", "day": "date"}}
PROFILE = {"letter": "text", "shoe_size": "number"}
NUMBER_PATHS = (
    "order_completed.total",
    "order_completed.discount",
    "order_completed.items.price",
    "order_completed.items.quantity",
    "survey_answered.score",
    "product_viewed.price",
    "order_refunded.total",
    "thing_measured.amount",
)
TEXT_PATHS = (
    "order_completed.items.category",
    "order_completed.items.category",
    "order_completed.coupon",
    "product_viewed.category",
    "survey_answered.comment",
    "thing_measured.label",
)
OTHER_PATHS = ("thing_measured.seen_at", "thing_measured.day", "thing_measured.ok")
TYPES = (
    "order_completed",
    "order_completed",
    "order_refunded",
    "survey_answered",
    "product_viewed",
    "page_viewed",
    "cart_updated",
    "thing_measured",
)
KINDS = ("count", "sum", "mean", "min", "max", "first", "last", "first_at", "last_at", "set", "recent", "top")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@dataclass
class Making:
    """A rulebook on its way."""

    rng: Random
    traits: dict[str, Trait] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    dimensions: dict[str, Dimension] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def rulebook(self) -> Rulebook:
        return Rulebook(
            types=CUSTOM,
            profile=PROFILE,
            traits=self.traits,
            segments=self.segments,
            dimensions=self.dimensions,
            evaluation_order=tuple(self.order),
        )

    def of_value(self, *values: str) -> list[Expr]:
        return [("trait", name) for name, trait in self.traits.items() if trait.value in values]

    def chance(self, share: float) -> bool:
        return self.rng.random() < share


def num(text: str) -> Expr:
    return ("num", text)


def text(value: str) -> Expr:
    return ("text", value)


# Traits


def event_test(make: Making, root: str, fields: dict[str, str]) -> Expr:
    """A condition on the fields of an event or an item."""
    rng = make.rng
    name, kind = rng.choice(sorted(fields.items()))
    ref: Expr = (root, name)
    if make.chance(0.12):
        return (rng.choice(["is null", "is not null"]), ref)
    if kind == "number":
        if make.chance(0.2):
            return ("chain", ("<", "<="), (num("1"), ref, num(rng.choice(NUMBERS))))
        return (rng.choice(COMPARISONS), ref, num(rng.choice(NUMBERS)))
    if kind == "text":
        return text_test(make, ref)
    if kind == "flag":
        return ref if make.chance(0.6) else ("not", ref)
    return ("is not null", ref)


def text_test(make: Making, ref: Expr) -> Expr:
    rng = make.rng
    form = rng.randrange(6)
    if form == 0:
        some = tuple(text(label) for label in rng.sample(LABELS, 2))
        return (rng.choice(["in", "not in"]), ref, ("list", some))
    if form == 1:
        return ("call", "starts_with", (ref, text(rng.choice(["c", "cat", "D"]))))
    if form == 2:
        return ("call", "matches", (ref, text(rng.choice(["at", "^d", "[bc]o?", "x$"]))))
    if form == 3:
        return ("==", ("call", "lower", (ref,)), text(rng.choice(LABELS).lower()))
    if form == 4:
        return (rng.choice(["<", ">=", ">", "<="]), ref, text(rng.choice(LABELS)))
    return (rng.choice(["==", "!="]), ref, text(rng.choice(LABELS)))


def simple_fields(fields: object) -> dict[str, str]:
    """The fields that are no lists."""
    assert isinstance(fields, dict)
    return {name: kind for name, kind in fields.items() if isinstance(kind, str)}


def where_of(make: Making, type_: str, items: bool) -> Expr:
    fields = fields_of(make.rulebook(), type_)
    tests = [event_test(make, "event", simple_fields(fields))]
    if items:
        tests.insert(0, event_test(make, "item", simple_fields(fields["items"])))
    if len(tests) == 1 or make.chance(0.6):
        return tests[0]
    return (make.rng.choice(["and", "or"]), tuple(tests))


def weight_of(make: Making, type_: str, items: bool) -> Expr:
    fields = fields_of(make.rulebook(), type_)
    source = simple_fields(fields["items"]) if items else simple_fields(fields)
    numbers = [("item" if items else "event", name) for name, kind in sorted(source.items()) if kind == "number"]
    if not numbers:
        return num("2")
    ref = make.rng.choice(numbers)
    forms: list[Expr] = [
        ref,
        ref,
        ("-", ref, num("10")),
        ("*", ref, num("1.5")),
        ("call", "coalesce", (ref, num("1"))),
        ("if", num("3"), (">", ref, num("5")), num("1")),
    ]
    return make.rng.choice(forms)


def random_trait(make: Making, kind: str) -> Trait:
    """A trait of this kind over random types or paths."""
    rng = make.rng
    if kind in ("count", "first_at", "last_at", "mean_gap_days"):
        path, value = "", "number" if kind in ("count", "mean_gap_days") else "time"
        types = tuple(sorted(set(rng.choices(TYPES, k=2)))) if make.chance(0.3) else (rng.choice(TYPES),)
    else:
        path, value = a_path(make, kind)
        types = (path.split(".")[0],)
    items = ".items." in path
    where = where_of(make, types[0], items) if len(types) == 1 and make.chance(0.45) else None
    top = kind == "top"
    return Trait(
        kind=kind,
        value=value,
        nullable=kind not in ("count", "sum", "set", "recent"),
        types=types,
        path=path,
        where=where,
        weight=weight_of(make, types[0], items) if top and make.chance(0.7) else None,
        within=rng.choice(DURATIONS) if kind in WINDOWED and make.chance(0.55) else None,
        half_life=rng.choice(HALF_LIVES) if top and make.chance(0.6) else None,
        limit=rng.choice([1, 2, 3]) if kind == "recent" or (kind == "set" and make.chance(0.3)) else None,
    )


def a_path(make: Making, kind: str) -> tuple[str, str]:
    """A path that suits the kind, and the trait's value."""
    rng = make.rng
    if kind in ("sum", "mean", "min", "max"):
        return rng.choice(NUMBER_PATHS), "number"
    if kind in ("set", "recent"):
        shape = "set" if kind == "set" else "list"
        if make.chance(0.25):
            return rng.choice(NUMBER_PATHS), f"{shape}:number"
        return rng.choice(TEXT_PATHS), f"{shape}:text"
    if kind == "top" or make.chance(0.5):
        return rng.choice(TEXT_PATHS), "text"
    if make.chance(0.5):
        path = rng.choice(OTHER_PATHS)
        return path, {"seen_at": "time", "day": "date", "ok": "flag"}[path.split(".")[1]]
    return rng.choice(NUMBER_PATHS), "number"


# Numbers


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
        lambda: ("if", leaf, condition(make, depth - 1), other),
    ]
    return rng.choice(forms)()


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
        lambda: ("if", leaf, condition(make, 0), still),
        lambda: ("if", leaf, (">", other, num(rng.choice(DAYS))), other),
    ]
    return rng.choice(forms)()


# Conditions


def condition(make: Making, depth: int = 2) -> Expr:
    """Something true or false."""
    rng = make.rng
    if depth > 0 and make.chance(0.3):
        parts = tuple(condition(make, depth - 1) for _ in range(rng.choice([2, 2, 3])))
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


# Segments and dimensions


def random_segment(make: Making) -> Segment:
    when = condition(make)
    return Segment(when=when, leaves_when=condition(make, 1) if make.chance(0.25) else None)


def random_dimension(make: Making) -> Dimension:
    rng = make.rng
    texts = make.of_value("text")
    form = rng.randrange(5 if texts else 4)
    if form == 4:
        return Dimension(values_of=rng.choice(texts), missing="none" if make.chance(0.7) else "cats")
    if form >= 2:
        bands = moving(make) if form == 2 else number(make)
        edges = DAYS if form == 2 else NUMBERS
        at = sorted(rng.sample(edges, rng.choice([1, 2, 3])), key=float)
        names = tuple("low mid high top".split()[: len(at) + 1])
        return Dimension(bands=bands, at=tuple(at), names=names, missing=rng.choice(["never", "low"]))
    values = "gold silver bronze other".split()[-rng.choice([2, 3, 4]) :]
    cases = tuple((value, condition(make, 1)) for value in values[:-1])
    return Dimension(cases=(*cases, (values[-1], None)))


def random_world(rng: Random) -> Making:
    """4 to 10 traits and as many formulas as fit, 5 to 12 segments, 2 to 4 dimensions, in one order."""
    make = Making(rng)
    for index in range(rng.randint(4, 9)):
        kind = rng.choice([*KINDS, "mean_gap_days"])
        make.traits[f"t{index}"] = random_trait(make, kind)
    if not make.of_value("number"):
        make.traits["orders"] = random_trait(make, "count")
    for index in range(rng.choice([0, 1, 1, 2])):
        formula = moving(make) if make.chance(0.25) else number(make, 2)
        make.traits[f"f{index}"] = Trait(kind="formula", value="number", nullable=True, formula=formula)
    wanted = [f"s{index}" for index in range(rng.randint(5, 12))] + [f"d{index}" for index in range(rng.randint(2, 4))]
    rng.shuffle(wanted)
    for name in wanted:
        if name.startswith("s"):
            make.segments[name] = random_segment(make)
        else:
            make.dimensions[name] = random_dimension(make)
        make.order.append(name)
    return make
