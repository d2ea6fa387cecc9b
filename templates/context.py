"""What a template is given: `customer traits event items offer links sender`."""

from __future__ import annotations

from collections.abc import Mapping

from templates.plain import Nulls

PROFILE_FIELDS = (
    "email",
    "phone",
    "push_token",
    "first_name",
    "last_name",
    "language",
    "country",
    "city",
    "gender",
    "time_zone",
    "birthday",
)
OFFER_FIELDS = ("code", "percent", "amount", "category", "expires_on")
LINK_FIELDS = ("unsubscribe", "survey")
SENDER_FIELDS = ("name", "email")


def build_context(
    *,
    profile: Mapping[str, object],
    traits: Mapping[str, object],
    event: Mapping[str, object] | None,
    offer: Mapping[str, object] | None,
    links: Mapping[str, str],
    sender: Mapping[str, str],
) -> dict[str, object]:
    """The variables of one message, for `Renderer.render`, which makes them plain.

    Values are shown ones: numbers int, Decimal or float, never millionths; dates ISO text (2026-03-31), instants ISO
    text in the customer's zone. `profile` may leave out what is not known of the customer, `traits` holds every trait.
    `event` is the data of the cause. A field that profile, event or offer does not have is null, and all are if there
    is no event or offer: names that no customer or event can have are `check_templates`' to find. `offer` has any of
    `code percent amount category expires_on`.
    """
    cause = Nulls(event or {})  # type: ignore[arg-type]  # render makes it plain
    bought = cause.get("items")
    given = {name: value for name, value in (offer or {}).items() if name in OFFER_FIELDS}
    return {
        "customer": Nulls({**dict.fromkeys(PROFILE_FIELDS), **profile}),  # type: ignore[dict-item]  # as above
        "traits": dict(traits),
        "event": cause,
        "items": [_lenient(item) for item in bought] if isinstance(bought, (list, tuple)) else [],
        "offer": Nulls(given),  # type: ignore[arg-type]  # render makes it plain
        "links": {**dict.fromkeys(LINK_FIELDS), **links},
        "sender": {**dict.fromkeys(SENDER_FIELDS), **sender},
    }


def _lenient(item: object) -> object:
    return Nulls(item) if isinstance(item, dict) else item
