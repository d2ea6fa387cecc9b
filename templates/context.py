"""What a template is given: `customer traits event items offer links sender`."""

from __future__ import annotations

from collections.abc import Mapping

from templates.plain import Group, Nulls, Plain, Variables, plain

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
    links: Mapping[str, str] | Group,
    sender: Mapping[str, str] | Group,
) -> Variables:
    """The variables of one message, for `Renderer.render`.

    Values are shown ones: numbers int, Decimal or float, never millionths; dates ISO text (2026-03-31), instants ISO
    text in the customer's zone. `profile` may leave out what is not known of the customer, `traits` holds every trait.
    `event` is the data of the cause. A field that profile, event or offer does not have is null, and all are if there
    is no event or offer: names that no customer or event can have are `check_templates`' to find. `offer` has any of
    `code percent amount category expires_on`; `links` and `sender` may be groups made once (`fixed_group`). Raises
    RenderFailed for what is no data.
    """
    cause = _group(Nulls(event or {}))  # type: ignore[arg-type]  # not yet plain
    given = {name: value for name, value in (offer or {}).items() if name in OFFER_FIELDS}
    bought = cause.get("items")
    return Variables(
        customer=_group(Nulls(profile)),  # type: ignore[arg-type]  # not yet plain
        traits=_group(traits),
        event=cause,
        items=bought if isinstance(bought, list) else [],
        offer=_group(Nulls(given)),  # type: ignore[arg-type]  # not yet plain
        links=links if isinstance(links, Group) else fixed_group(LINK_FIELDS, links),
        sender=sender if isinstance(sender, Group) else fixed_group(SENDER_FIELDS, sender),
    )


def fixed_group(names: tuple[str, ...], values: Mapping[str, str]) -> Group:
    """Links or sender of a rulebook, plain once for all of its messages."""
    return Group(_group({**dict.fromkeys(names), **values}))


def _group(fields: Mapping[str, object]) -> dict[str, Plain]:
    made = plain(fields)
    assert isinstance(made, dict)
    return made
