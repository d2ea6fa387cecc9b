"""Small rulebooks whose rules keep meeting: few traits and segments, short windows, every policy tight.

A unit is six hours: windows, delays, caps and the steps between events are few units, so that much meets on one ms.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.evaluator.model import HOUR_MS, Cap, Dimension, Expr, On, Policy, Rulebook, Segment, Trait, Trigger

UNIT_MS = 6 * HOUR_MS
SEGMENTS = ("regular", "lapsing", "collector")
TRIGGERS = 5
ONCES: tuple[str | int, ...] = ("per_cause", "per_cause", "per_customer", 6 * UNIT_MS, 20 * UNIT_MS)
X, Y, LAST = ("trait", "x"), ("trait", "y"), ("trait", "last_order")


def num(value: int) -> Expr:
    return ("num", str(value))


def counted(rng: Random) -> Trait:
    """How many orders of at least so much there were, within a window or ever."""
    window = rng.choice([None, 9, 25])
    return Trait(
        kind="count",
        value="number",
        nullable=False,
        types=("order_completed",),
        where=(">=", ("event", "total"), num(rng.choice([1, 2, 3]))),
        within=None if window is None else window * UNIT_MS,
    )


def segment(rng: Random) -> Segment:
    if rng.random() < 0.35:
        return Segment(when=(">=", ("call", "days_since", (LAST,)), num(rng.choice([1, 2, 3]))))
    trait, enough = rng.choice([X, Y]), rng.choice([1, 2, 2, 3])
    return Segment(when=(">=", trait, num(enough)), leaves_when=("<", trait, num(rng.randint(1, enough))))


def dimension(rng: Random) -> Dimension:
    trait = rng.choice([X, Y])
    return Dimension(cases=(("much", (">=", trait, num(3))), ("some", (">=", trait, num(1))), ("none", None)))


def occasion(rng: Random) -> On:
    chance = rng.random()
    if chance < 0.6:
        return On(kind="enters", name=rng.choice(SEGMENTS))
    if chance < 0.7:
        return On(kind="leaves", name=rng.choice(SEGMENTS))
    if chance < 0.8:
        return On(kind="moves", name="amount", to_value=rng.choice(["much", "some", None]))
    return On(kind="event", name="order_completed", where=(">=", ("event", "total"), num(rng.choice([1, 3]))))


def trigger(rng: Random, on: On | None = None) -> Trigger:
    on = on or occasion(rng)
    return Trigger(
        on=on,
        template="plain",
        channels=("email",),
        purpose=rng.choice(["marketing", "marketing", "marketing", "transactional"]),
        after=rng.choice([0, 0, 2, 5, 12]) * UNIT_MS,
        at=rng.choice([None, None, None, 600]),
        condition=(">=", X, num(1)) if rng.random() < 0.15 else None,
        cancel_when=(occasion(rng),) if rng.random() < 0.15 else (),
        even_if_left=on.kind in ("enters", "moves") and rng.random() < 0.3,
        include_existing=on.kind == "enters" and rng.random() < 0.4,
        priority=rng.choice([0, 0, 1]),
        once=rng.choice(ONCES),
        holdout=rng.choice([0, 0, 0, 0, 50]),
        paused=rng.random() < 0.07,
        expires_after=rng.choice([None, None, None, HOUR_MS, 2 * UNIT_MS]),
    )


def policy(rng: Random) -> Policy:
    limit = rng.choice([None, (1, 8), (1, 30), (2, 15), (2, 40)])
    return Policy(
        quiet=rng.choice([None, (20 * 60, 6 * 60), (0, 10 * 60)]),
        caps=() if limit is None else (Cap(at_most=limit[0], per=limit[1] * UNIT_MS),),
    )


def first_book(rng: Random) -> Rulebook:
    last = Trait(kind="last_at", value="time", nullable=True, types=("order_completed",))
    names = [f"trigger_{number}" for number in range(rng.randint(2, 4))]
    return Rulebook(
        traits={"x": counted(rng), "y": counted(rng), "last_order": last},
        segments={name: segment(rng) for name in SEGMENTS},
        dimensions={"amount": dimension(rng)},
        evaluation_order=(*SEGMENTS, "amount"),
        triggers={name: trigger(rng) for name in names},
        policy=policy(rng),
    )


def next_book(rng: Random, book: Rulebook) -> Rulebook:
    """The rulebook after one to three changes of a marketer."""
    traits, segments, triggers = dict(book.traits), dict(book.segments), dict(book.triggers)
    for _ in range(rng.randint(1, 3)):
        match rng.randrange(7):
            case 0:
                traits[rng.choice("xy")] = counted(rng)
            case 1:
                segments[rng.choice(SEGMENTS)] = segment(rng)
            case 2 if len(triggers) > 1:
                del triggers[rng.choice(sorted(triggers))]
            case 3:
                triggers[f"trigger_{rng.randrange(TRIGGERS)}"] = trigger(rng)
            case 4:
                name = rng.choice(sorted(triggers))
                triggers[name] = trigger(rng, triggers[name].on)
            case 5:
                name = rng.choice(sorted(triggers))
                triggers[name] = replace(triggers[name], paused=not triggers[name].paused)
            case _:
                book = replace(book, policy=policy(rng))
    return replace(book, traits=traits, segments=segments, triggers=triggers)
