"""Random traits over every kind, with windows, conditions, weights and limits."""

from __future__ import annotations

from tests.evaluator.generate_values import DURATIONS, HALF_LIVES, LABELS, NUMBERS
from tests.evaluator.making import COMPARISONS, Making, num, text
from tests.evaluator.model import Expr, Trait
from tests.evaluator.schema import fields_of
from tests.evaluator.traits import WINDOWED

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
OTHER_PATHS = ("thing_measured.seen_at", "thing_measured.day", "thing_measured.ok", "thing_measured.ok")
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
    where = where_of(make, types[0], items) if len(types) == 1 and make.chance(0.55) else None
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
    if kind == "top" or make.chance(0.4):
        return rng.choice(TEXT_PATHS), "text"
    if make.chance(0.5):
        path = rng.choice(OTHER_PATHS)
        return path, {"seen_at": "time", "day": "date", "ok": "flag"}[path.split(".")[1]]
    return rng.choice(NUMBER_PATHS), "number"
