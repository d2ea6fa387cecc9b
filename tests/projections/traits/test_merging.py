"""Every stored kind is a mergeable summary: what is kept of A and of B makes what is kept of A and B together."""

from __future__ import annotations

from itertools import count
from math import isclose
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.traits.collections import WindowedSet
from projections.traits.merging import MERGES, Part, first_exit, merge, merge_trait, stored
from projections.traits.windowed import Windowed, WindowedCount, WindowedExtreme
from tests.projections.lives import DAY, HOUR, START, Life, program, world

TRAITS = {
    "orders": "{count: order_completed}",
    "large_orders": "{count: order_completed, where: event.total > 2}",
    "touches": "{count: [order_completed, thing_measured], within: 3d}",
    "spend": "{sum: order_completed.total}",
    "spend_2d": "{sum: order_completed.total, within: 2d}",
    "basket": "{mean: order_completed.total}",
    "basket_2d": "{mean: order_completed.total, within: 2d, where: event.total > -3}",
    "least": "{min: order_completed.items.price}",
    "most": "{max: order_completed.total}",
    "least_2d": "{min: order_completed.total, within: 2d}",
    "most_3d": "{max: order_completed.items.price, within: 3d, where: \"item.category != 'b'\"}",
    "first_total": "{first: order_completed.total}",
    "last_label": "{last: thing_measured.label}",
    "first_ok": "{first: thing_measured.ok}",
    "last_day": "{last: thing_measured.day}",
    "first_order_at": "{first_at: order_completed}",
    "last_order_at": "{last_at: order_completed, where: event.total > 0}",
    "gap": "{mean_gap_days: order_completed}",
    "bought": "{set: order_completed.items.category}",
    "bought_few": "{set: order_completed.items.category, limit: 2}",
    "bought_2d": "{set: order_completed.items.category, within: 2d}",
    "prices_few_2d": "{set: order_completed.items.price, within: 2d, limit: 3}",
    "latest": "{recent: order_completed.items.category, limit: 3}",
    "latest_totals": "{recent: order_completed.total, limit: 5, where: event.total < 5}",
    "favourite": "{top: order_completed.items.category}",
    "favourite_paid": "{top: order_completed.items.category, weight: event.total}",
    "fading": "{top: order_completed.items.category, weight: item.price * event.total, half_life: 1d}",
    "fading_2d": "{top: order_completed.items.category, weight: item.price, half_life: 7h, within: 2d}",
    "favourite_2d": "{top: order_completed.items.category, within: 2d}",
}
CONDITIONS = {
    "at_home": "profile.city == 'riga' and profile.shoe_size > 3",
    "agreed": "consent.email.marketing or consent.sms.news",
    "mailed": "sent.email > opened.email",
}
TEXT = "profile: {shoe_size: number}\n" + world(TRAITS, **CONDITIONS)

SMALL = st.integers(-4, 6)
LABEL = st.sampled_from(["a", "b", "c", None])
ITEM = st.builds(lambda price, category: {"sku": "s", "price": price, "category": category}, SMALL, LABEL)
ORDER = st.builds(
    lambda total, items: ("order_completed", {"order_id": "o", "total": total, "items": items}),
    SMALL,
    st.lists(ITEM, max_size=3),
)
MEASURED = st.fixed_dictionaries(
    {"label": LABEL, "ok": st.booleans(), "day": st.sampled_from(["2024-02-29", None])}
).map(lambda data: ("thing_measured", data))
PROFILE = st.dictionaries(st.sampled_from(["city", "email", "time_zone"]), st.sampled_from(["riga", "UTC", None])).map(
    lambda data: ("profile_updated", data)
)
SIZED = SMALL.map(lambda size: ("profile_updated", {"shoe_size": size}))
CHANNEL = st.sampled_from(["email", "sms"])
PURPOSE = st.sampled_from(["marketing", "news", "transactional"])
CONSENT = st.builds(
    lambda channel, purpose, granted: (
        "consent_changed",
        {"channel": channel, "purpose": purpose, "granted": granted},
    ),
    CHANNEL,
    PURPOSE,
    st.booleans(),
)
STOPPED = st.builds(
    lambda channel, purpose: ("unsubscribed", {"channel": channel, "purpose": purpose}),
    st.none() | CHANNEL,
    st.none() | PURPOSE,
)
MESSAGE = st.builds(
    lambda type_name, channel, kind: (type_name, {"message_id": "m", "channel": channel, "kind": kind}),
    st.sampled_from(["message_sent", "message_opened", "message_bounced", "message_complained"]),
    CHANNEL,
    st.sampled_from(["hard", "soft"]),
)
KINDS = st.one_of(ORDER, ORDER, ORDER, ORDER, MEASURED, PROFILE, SIZED, CONSENT, STOPPED, MESSAGE)
PASSED = st.sampled_from([0, 0, 1, HOUR, 7 * HOUR, DAY, 2 * DAY - 1, 2 * DAY])
LATE = st.sampled_from([0, 0, 0, 1, HOUR, DAY, 2 * DAY, 5 * DAY])
HISTORY = st.lists(st.tuples(KINDS, PASSED, LATE, st.booleans()), max_size=40)
REST = st.sampled_from([0, 1, DAY, 2 * DAY - 1, 2 * DAY, 9 * DAY])


def lived(history: Any, rest: int) -> tuple[Life, Life, Life]:
    """Who saw all events, who those of one side, who those of the other; all at the same instant at last."""
    numbers = count()
    now, offset = START, 0
    whole, left, right = (Life(program(TEXT), offsets=lambda: offset) for _ in range(3))
    for (type_name, data), passed, late_by, side in history:
        now, offset = now + passed, next(numbers)
        for life in (whole, left if side else right):
            life.event(type_name, now, late_by=late_by, **data)
    whole.until(now + rest)
    whole.program.expire(whole.state, now + rest, [])
    return whole, left, right


def comparable(code: Any, slots: dict[str, Any]) -> dict[str, Any]:
    """Slots without what only says how a window is kept: its head, the order within one instant."""
    short = {name.rpartition("__")[2]: value for name, value in slots.items()}
    if "head" in short:
        live = short["w"][short.pop("head") :]
        if isinstance(code, WindowedCount):
            return {"w": live}
        pairs = sorted(zip(live[::2], live[1::2], strict=True), key=lambda pair: (pair[0], -pair[1]))
        if isinstance(code, WindowedExtreme):  # of one instant only the largest counts
            pairs = [pair for place, pair in enumerate(pairs) if not place or pair[0] != pairs[place - 1][0]]
        short["w"] = pairs
    short.pop("exit", None)  # may be early
    return short


def same(one: Any, other: Any) -> bool:
    """Equal, sums of top within one part in 10^9."""
    if isinstance(one, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def scaled(slots: dict[str, Any]) -> dict[str, Any]:
    """Sums of `top` with their unit made 0."""
    if "sums" not in slots:
        return slots
    newest = max((unit for _, _, unit in slots["sums"].values()), default=0)
    sums = {
        x: (total * 2.0 ** (unit - newest), size * 2.0 ** (unit - newest))
        for x, (total, size, unit) in slots["sums"].items()
    }
    return {"sums": sums}


def kept(code: Any, state: Any) -> dict[str, Any]:
    return scaled(comparable(code, {slot.name: getattr(state, slot.name) for slot in code.slots}))


def test_every_kind_that_is_stored_has_a_merge() -> None:
    assert {type(code) for code in stored(program(TEXT))} == set(MERGES)


@given(HISTORY, REST)
@settings(max_examples=150)
def test_states_of_any_split_merge_into_the_whole(history: Any, rest: int) -> None:
    whole, left, right = lived(history, rest)
    for a, b in ((left.state, right.state), (right.state, left.state)):
        merged = merge(whole.program, a, b, whole.now)
        for code in stored(whole.program):
            assert same(kept(code, merged), kept(code, whole.state)), code.name
        for name in ("zone", "profile", "consent", "profile·city", "profile·shoe_size"):
            assert getattr(merged, name) == getattr(whole.state, name)
        assert sorted(merged.marks, key=lambda mark: mark[3]) == sorted(whole.state.marks, key=lambda mark: mark[3])
        assert past(merged) == past(whole.state)
        assert whole.program.codec.decode(whole.program.codec.encode(merged)) == merged


def past(state: Any) -> dict[str, Any]:
    return {field: sorted(entries, key=lambda entry: entry[2]) for field, entries in state.past.items()}


@given(HISTORY, REST)
@settings(max_examples=40)
def test_a_merged_state_lives_on_as_the_whole(history: Any, rest: int) -> None:
    """Settled as a first step, it is in the segments the whole is in, and its next exit is known."""
    whole, left, right = lived(history, rest)
    if not history:
        return
    everything = list(range(len(whole.program.names)))
    merged = merge(whole.program, left.state, right.state, whole.now)
    whole.program.settle_first(merged, whole.now, everything, 0)
    assert whole.program.memberships(merged) == whole.program.memberships(whole.state)
    assert merged.exit_at == whole.state.exit_at
    later = whole.now + 3 * DAY
    for state in (merged, whole.state):
        whole.program.expire(state, later, [])
    top = {"fading", "fading_2d", "favourite_paid"}  # sums in another order may fall on the other side of a tie
    values, expected = (whole.program.trait_values(state, later) for state in (merged, whole.state))
    assert {n: v for n, v in values.items() if n not in top} == {n: v for n, v in expected.items() if n not in top}


def test_merging_leaves_both_as_they_are() -> None:
    codec = program(TEXT).codec
    sides = [Life(program(TEXT), offsets=numbers) for numbers in ([7, 9].pop, [3, 5].pop)]
    for days, life in enumerate(sides):
        for hour in (1, 2):
            life.order(START + days * DAY + hour * HOUR, hour, items=[{"sku": "s", "category": "a", "price": hour}])
    before = [codec.encode(life.state) for life in sides]
    merge(program(TEXT), sides[0].state, sides[1].state, START + 3 * DAY)
    assert [codec.encode(life.state) for life in sides] == before


@pytest.mark.parametrize("name", ["spend_2d", "bought_2d", "favourite_2d"])
def test_a_window_lets_go_what_neither_state_had_noticed(name: str) -> None:
    compiled = program(TEXT)
    ann, bea = Life(compiled, offsets=lambda: 1), Life(compiled, offsets=lambda: 2)
    item = [{"sku": "s", "category": "a"}]
    ann.order(START, 2, items=item)
    bea.order(START + DAY, 3, items=item)
    [code] = [code for code in stored(compiled) if code.name == name]
    assert isinstance(code, Windowed | WindowedSet)
    merged = compiled.new_state()
    for when in (START + 2 * DAY - 1, START + 2 * DAY):
        for slot, value in merge_trait(code, ann.state, bea.state, when).items():
            setattr(merged, slot, value)
        in_it = START if when < START + 2 * DAY and name != "bought_2d" else START + DAY
        assert first_exit(code, Part(code, merged)) == in_it + 2 * DAY
