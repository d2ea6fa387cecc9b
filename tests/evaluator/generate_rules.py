"""Random triggers and policy for a generated world, and what a marketer changes for a second rulebook."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.evaluator.generate_conditions import condition
from tests.evaluator.generate_traits import event_test, random_trait, simple_fields
from tests.evaluator.generate_values import (
    AFTERS,
    CHANNELS,
    DURATIONS,
    LABELS,
    PURPOSES,
    QUIETS,
    TIMES_OF_DAY,
    ZONES,
)
from tests.evaluator.generate_world import random_dimension, random_segment, random_world
from tests.evaluator.making import CUSTOM, LATER, Making
from tests.evaluator.model import DAY_MS, HOUR_MS, MINUTE_MS, Cap, Expr, On, Policy, Rulebook, Trait, Trigger
from tests.evaluator.schema import TYPES

EVENT_TYPES = ("order_completed", "order_refunded", "survey_answered", "cart_updated", "page_viewed", "thing_measured")


def event_fields(type_: str) -> dict[str, str]:
    return simple_fields({**TYPES, **CUSTOM}[type_])


def random_on(make: Making, *, cause: str | None = None) -> On:
    """An occasion; for a cancel, `cause` is the type of the event that made the match."""
    rng = make.rng
    if cause is not None and make.chance(0.5):
        return same_as_cause(make, cause)
    kind = rng.choice(["enters", "enters", "enters", "leaves", "moves", "moves", "event", "event", "event"])
    if kind in ("enters", "leaves"):
        return On(kind=kind, name=rng.choice(sorted(make.segments)))
    if kind == "moves":
        return random_moves(make)
    type_ = rng.choice(EVENT_TYPES)
    where: Expr | None = event_test(make, "event", event_fields(type_)) if make.chance(0.5) else None
    if make.chance(0.2):
        where = condition(make, 1)
    return On(kind=kind, name=type_, where=where)


def same_as_cause(make: Making, cause: str) -> On:
    """An event that has a field's value in common with the one that made the match."""
    rng = make.rng
    own = set(event_fields(cause)) - {"order_id"}
    shared = [(type_, name) for type_ in EVENT_TYPES for name in sorted(own & set(event_fields(type_)))]
    type_, name = rng.choice(shared)
    return On(kind="event", name=type_, where=(rng.choice(["==", "==", "!="]), ("event", name), ("cause", name)))


def random_moves(make: Making) -> On:
    rng = make.rng
    name = rng.choice(sorted(make.dimensions))
    values = make.dimensions[name].values() or LABELS
    before = rng.choice(values) if make.chance(0.3) else None
    after = rng.choice(values) if make.chance(0.6) else None
    return On(kind="moves", name=name, from_value=before if before != after else None, to_value=after)


def random_cancels(make: Making, on: On) -> tuple[On, ...]:
    count = make.rng.choice([0, 0, 1, 1, 2])
    return tuple(random_on(make, cause=on.name if on.kind == "event" else None) for _ in range(count))


def random_trigger(make: Making, on: On | None = None) -> Trigger:
    rng = make.rng
    on = on or random_on(make)
    channels = tuple(rng.sample(CHANNELS, rng.choice([1, 1, 2, 3])))
    return Trigger(
        on=on,
        template=rng.choice(["plain", "plain", "plain", "failing"]),
        channels=channels if make.chance(0.3) else ("email", *(c for c in channels if c != "email"))[:3],
        purpose=rng.choice(["marketing", "marketing", "transactional"]),
        after=rng.choice(AFTERS),
        at=rng.choice(TIMES_OF_DAY) if make.chance(0.45) else None,
        condition=trigger_condition(make, on) if make.chance(0.35) else None,
        cancel_when=random_cancels(make, on),
        even_if_left=on.kind in ("enters", "moves") and make.chance(0.35),
        include_existing=on.kind == "enters" and make.chance(0.5),
        priority=rng.choice([0, 0, 0, 5, -3]),
        once=random_once(make),
        holdout=rng.choice([0, 0, 0, 0, 30, 50, 100]),
        salt=rng.choice(["", "", "a"]),
        paused=make.chance(0.12),
        expires_after=rng.choice([0, MINUTE_MS, HOUR_MS, 8 * HOUR_MS]) if make.chance(0.35) else None,
    )


def random_once(make: Making) -> str | int:
    if make.chance(0.65):
        return make.rng.choice(["per_cause", "per_cause", "per_customer"])
    return make.rng.choice(DURATIONS)


def items_test(make: Making) -> Expr:
    """A test of what is in the event's items."""
    sought = ("text", make.rng.choice(LABELS))
    return (make.rng.choice(["in", "not in"]), sought, ("event", "items", "category"))


def trigger_condition(make: Making, on: On) -> Expr:
    if on.kind == "event" and on.name == "order_completed" and make.chance(0.4):
        return items_test(make)
    if on.kind == "event" and make.chance(0.6):
        return event_test(make, "event", event_fields(on.name))
    if on.kind != "event" and make.chance(0.2):
        return make.rng.choice([("is null", ("event", "coupon")), (">", ("event", "score"), ("num", "2"))])
    return condition(make, 1)


def random_cap(make: Making, triggers: list[str]) -> Cap:
    rng = make.rng
    if make.chance(0.35):
        return Cap(at_most=1, per=rng.choice([30 * DAY_MS, 90 * DAY_MS]), trigger=rng.choice(triggers))
    return Cap(
        at_most=rng.choice([1, 1, 1, 2]),
        per=rng.choice([*DURATIONS, 90 * DAY_MS]),
        purpose=rng.choice(PURPOSES) if make.chance(0.4) else None,
        channel=rng.choice(["email", "email", "sms"]) if make.chance(0.4) else None,
        trigger=rng.choice(triggers) if make.chance(0.2) else None,
    )


def random_policy(make: Making, triggers: list[str]) -> Policy:
    rng = make.rng
    return Policy(
        time_zone=rng.choice(ZONES),
        quiet=rng.choice(QUIETS) if make.chance(0.55) else None,
        quiet_transactional=make.chance(0.3),
        caps=tuple(random_cap(make, triggers) for _ in range(rng.choice([0, 1, 2, 3]))),
    )


def complete(make: Making, triggers: dict[str, Trigger], policy: Policy) -> Rulebook:
    return replace(make.rulebook(), triggers=triggers, policy=policy)


def random_rulebook(rng: Random) -> tuple[Making, Rulebook]:
    make = random_world(rng)
    triggers = {f"m{index}": random_trigger(make) for index in range(rng.randint(3, 6))}
    return make, complete(make, triggers, random_policy(make, sorted(triggers)))


def earlier(make: Making, name: str) -> Making:
    """What stood before a segment or dimension, for a new condition in its place."""
    known = make.order[: make.order.index(name)]
    return Making(
        make.rng,
        traits=make.traits,
        segments={each: make.segments[each] for each in known if each in make.segments},
        dimensions={each: make.dimensions[each] for each in known if each in make.dimensions},
        order=known,
        types=make.types,
    )


def changed_rulebook(make: Making, rulebook: Rulebook) -> Rulebook:
    """The rulebook after a marketer's changes, which leave every reference right."""
    rng = make.rng
    make = Making(
        rng,
        traits=dict(make.traits),
        segments=dict(make.segments),
        dimensions=dict(make.dimensions),
        order=make.order,
    )
    triggers, policy = dict(rulebook.triggers), rulebook.policy
    if make.chance(0.3):  # the world stays as it is
        change_triggers(make, triggers)
        caps = tuple(cap for cap in policy.caps if cap.trigger in (None, *triggers))
        return complete(make, triggers, replace(policy, caps=caps))
    if make.chance(0.4):
        make.types = CUSTOM | LATER
        make.traits["parcels"] = Trait(kind="count", value="number", nullable=False, types=("parcel_tracked",))
    for name in rng.sample(sorted(set(make.traits) - {"parcels"}), 2):
        trait = make.traits[name]
        if trait.formula is None and (new := random_trait(make, trait.kind)).value == trait.value:
            make.traits[name] = new
    for name in rng.sample(sorted(make.segments), rng.choice([1, 2, 3])):
        make.segments[name] = random_segment(earlier(make, name))
    if make.chance(0.3):
        name = rng.choice(sorted(make.dimensions))
        new_dimension = random_dimension(earlier(make, name))
        if new_dimension.values() == make.dimensions[name].values():
            make.dimensions[name] = new_dimension
    change_triggers(make, triggers)
    if make.chance(0.4):
        policy = random_policy(make, sorted(triggers))
    caps = tuple(cap for cap in policy.caps if cap.trigger in (None, *triggers))
    return complete(make, triggers, replace(policy, caps=caps))


def change_triggers(make: Making, triggers: dict[str, Trigger]) -> None:
    """Some go, some come, some listen to something else, some pause or go on."""
    rng = make.rng
    for name in sorted(triggers):
        what = rng.randrange(8)
        if what == 0 and len(triggers) > 1:
            del triggers[name]
        elif what == 1:
            triggers[name] = random_trigger(make)
        elif what == 2:
            triggers[name] = random_trigger(make, triggers[name].on)
        elif triggers[name].paused or what == 3:
            triggers[name] = replace(triggers[name], paused=not triggers[name].paused)
    triggers["new"] = random_trigger(make)
