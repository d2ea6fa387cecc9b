"""What a template is given: `customer traits event items offer links sender`."""

from __future__ import annotations

from collections.abc import Mapping

from templates.plain import Group, Nulls, Plain, Variables, plain_fields

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

# Shared by all messages: templates change nothing that they are given.
_NOTHING_GIVEN: Mapping[str, Plain] = {
    "customer": Nulls(),
    "traits": {},
    "event": Nulls(),
    "items": [],
    "offer": Nulls(),
    "links": {},
    "sender": {},
}


def build_context(
    *,
    profile: Mapping[str, object],
    traits: Mapping[str, object],
    event: Mapping[str, object] | None,
    offer: Mapping[str, object] | None,
    links: Mapping[str, str] | Group,
    sender: Mapping[str, str] | Group,
) -> Variables:
    """The variables of one message, for `Renderer.render`.

    Values are shown ones: numbers int, Decimal or float, never millionths; dates ISO text (2026-03-31), instants ISO
    text in UTC. `profile` may leave out what is not known of the customer, `traits` holds every trait.
    `event` is the data of the cause. A field that profile, event or offer does not have is null, and all are if there
    is no event or offer: names that no customer or event can have are `check_templates`' to find. `offer` has any of
    `code percent amount category expires_on`; `links` and `sender` may be groups made once (`fixed_group`). Raises
    RenderFailed for what is no data.
    """
    variables = Variables(_NOTHING_GIVEN)
    if event:
        cause = variables["event"] = plain_fields(event, lenient=True)
        bought = cause.get("items")
        if isinstance(bought, list):
            variables["items"] = bought
    if profile:
        variables["customer"] = plain_fields(profile, lenient=True)
    if traits:
        variables["traits"] = plain_fields(traits)
    if offer:
        given = {name: value for name, value in offer.items() if name in OFFER_FIELDS}
        variables["offer"] = plain_fields(given, lenient=True)
    variables["links"] = links if isinstance(links, Group) else fixed_group(LINK_FIELDS, links)
    variables["sender"] = sender if isinstance(sender, Group) else fixed_group(SENDER_FIELDS, sender)
    return variables


def fixed_group(names: tuple[str, ...], values: Mapping[str, str]) -> Group:
    """Links or sender of a rulebook, plain once for all of its messages."""
    return Group(plain_fields({**dict.fromkeys(names), **values}))
