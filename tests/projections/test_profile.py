"""Profile, consents and marked addresses are the same in whatever order their events arrive."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.profile import address_field, address_then, consented, unreachable
from tests.projections.lives import DAY, HOUR, START, Life, world

TEXT = "profile: {shoe_size: number, member: flag, since: time}\n" + world({})
NOW = START + 9 * DAY


def life(*events: tuple[str, int, dict[str, Any]]) -> Life:
    """Events of (type, occurred that many hours after START, data), arriving in this order."""
    made = Life(TEXT)
    for type_name, hours, data in events:
        made.event(type_name, NOW, late_by=NOW - START - hours * HOUR, **data)
    return made


def updated(hours: int, **fields: Any) -> tuple[str, int, dict[str, Any]]:
    return "profile_updated", hours, fields


def agreed(hours: int, channel: str = "email", purpose: str = "marketing", *, granted: bool = True) -> Any:
    return "consent_changed", hours, {"channel": channel, "purpose": purpose, "granted": granted}


def stopped(hours: int, channel: str | None = None, purpose: str | None = None) -> Any:
    return "unsubscribed", hours, {"channel": channel, "purpose": purpose}


def bounced(hours: int, address: str | None = None, channel: str = "email", kind: str = "hard") -> Any:
    return "message_bounced", hours, {"message_id": "m", "channel": channel, "address": address, "kind": kind}


def values(of: Life) -> dict[str, Any]:
    return {name: entry[0] for name, entry in of.state.profile.items()}


def test_each_field_is_that_of_the_latest_update_that_has_it() -> None:
    known = life(updated(3, city="riga", shoe_size=41.5), updated(5, city=None), updated(1, city="oslo", member=True))
    assert values(known) == {"city": None, "shoe_size": 41_500_000, "member": True}


def test_times_and_dates_are_read() -> None:
    known = life(updated(1, birthday="2000-02-29", since="2023-11-14T22:13:20Z"))
    assert values(known) == {"birthday": 11016, "since": START}


@pytest.mark.parametrize(
    ("updates", "zone"),
    [
        ([updated(1, time_zone="Europe/Riga")], "Europe/Riga"),
        ([updated(1, time_zone="No/Where")], "UTC"),
        ([updated(2, time_zone="No/Where"), updated(1, time_zone="Europe/Riga")], "UTC"),
        ([updated(2, time_zone=None), updated(1, time_zone="Europe/Riga")], "UTC"),
        ([updated(1, time_zone="Europe/Riga"), updated(2, city="x")], "Europe/Riga"),
        ([], "UTC"),
    ],
)
def test_a_zone_that_does_not_exist_gives_way(updates: list[Any], zone: str) -> None:
    known = life(*updates)
    assert known.program.zone_of(known.state) == zone


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], False),
        ([agreed(1)], True),
        ([agreed(2), agreed(1, granted=False)], True),
        ([agreed(1), agreed(2, granted=False)], False),
        ([agreed(1), stopped(2)], False),
        ([agreed(2), stopped(1)], True),
        ([agreed(1), stopped(2, "email")], False),
        ([agreed(1), stopped(2, None, "marketing")], False),
        ([agreed(1), stopped(2, "email", "marketing")], False),
        ([agreed(1), stopped(2, "sms")], True),
        ([agreed(1), stopped(2, "email", "news")], True),
        ([agreed(1), stopped(2, None, "transactional")], True),
        ([stopped(2), agreed(3), stopped(1, "email")], True),
        ([agreed(1, "sms"), agreed(1, "email", "news")], False),
    ],
)
def test_the_latest_word_on_a_consent_holds(events: list[Any], expected: bool) -> None:
    for arrival in (events, events[::-1]):
        assert consented(life(*arrival).state.consent, "email", "marketing") is expected


def test_nobody_unsubscribes_from_what_must_be_said() -> None:
    known = life(agreed(1, purpose="transactional"), stopped(2), stopped(3, "email", "transactional"))
    assert consented(known.state.consent, "email", "transactional")


def test_of_one_instant_the_later_in_the_log_holds() -> None:
    assert not consented(life(agreed(1), agreed(1, granted=False)).state.consent, "email", "marketing")
    assert consented(life(agreed(1, granted=False), agreed(1)).state.consent, "email", "marketing")
    assert values(life(updated(1, city="riga"), updated(1, city="oslo"))) == {"city": "oslo"}


def test_a_hard_bounce_marks_the_address_it_names() -> None:
    state = life(updated(1, email="a@shop.example"), bounced(2, "b@shop.example"), bounced(2, kind="soft")).state
    assert unreachable(state, "email", "b@shop.example")
    assert not unreachable(state, "email", "a@shop.example")
    assert not unreachable(state, "sms", "b@shop.example")


def test_a_bounce_that_names_none_means_the_address_of_then() -> None:
    events = [
        updated(1, email="a@shop.example"),
        updated(3, email="b@shop.example"),
        updated(5, email=None),
        bounced(4),
        bounced(6),
    ]
    for arrival in (events, events[::-1], [*events[3:], *events[:3]]):
        state = life(*arrival).state
        assert unreachable(state, "email", "b@shop.example")
        assert not unreachable(state, "email", "a@shop.example")
        then = {hours: address_then(state, "email", START + hours * HOUR, 1 << 62) for hours in (0, 1, 2, 3, 4, 5)}
        a, b = "a@shop.example", "b@shop.example"
        assert then == {0: None, 1: a, 2: a, 3: b, 4: b, 5: None}


@pytest.mark.parametrize(
    ("channel", "field"),
    [("email", "email"), ("sms", "phone"), ("whatsapp", "phone"), ("push", "push_token"), ("letter", "letter")],
)
def test_each_channel_has_its_address(channel: str, field: str) -> None:
    assert address_field(channel) == field


HOURS = st.integers(0, 200)
EVENT = st.one_of(
    st.builds(lambda h, city: updated(h, city=city), HOURS, st.sampled_from(["riga", None])),
    st.builds(lambda h, email: updated(h, email=email), HOURS, st.sampled_from(["a@shop.example", "b@shop.example"])),
    st.builds(lambda h, granted: agreed(h, granted=granted), HOURS, st.booleans()),
    st.builds(stopped, HOURS, st.sampled_from([None, "email"]), st.sampled_from([None, "news"])),
    st.builds(bounced, HOURS),
)


@given(st.lists(EVENT, max_size=12, unique_by=lambda event: event[1]), st.randoms(use_true_random=False))
def test_any_order_of_arrival_comes_to_the_same(events: list[Any], random: Any) -> None:
    known = life(*events)
    random.shuffle(events)
    other = life(*events)
    assert values(known) == values(other)
    for purpose in ("marketing", "news"):
        assert consented(known.state.consent, "email", purpose) == consented(other.state.consent, "email", purpose)
    for address in ("a@shop.example", "b@shop.example"):
        assert unreachable(known.state, "email", address) == unreachable(other.state, "email", address)
