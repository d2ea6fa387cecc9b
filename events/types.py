"""The built-in event types: what each carries in `data`.

A field without a default is required and not null; fields that are not listed are kept and unused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from events.kinds import Date, EventData, Flag, Number, Text, fields_of_model, model_from
from events.schema import Fields


class Item(EventData):
    """One line of an order or a cart."""

    sku: Text
    name: Text | None = None
    category: Text | None = None
    department: Text | None = None
    brand: Text | None = None
    quantity: Number | None = 1
    price: Number | None = None


class OrderCompleted(EventData):
    """An order was paid."""

    order_id: Text
    total: Number
    currency: Text | None = None
    coupon: Text | None = None
    discount: Number | None = None
    store_id: Text | None = None
    items: list[Item] | None = None


class OrderRefunded(EventData):
    """An order, or part of it, was paid back."""

    order_id: Text
    total: Number
    reason: Text | None = None


class Cart(EventData):
    """A cart as it was after a change."""

    cart_id: Text | None = None
    total: Number | None = None
    items: list[Item] | None = None


class CartUpdated(Cart):
    """Something was put into a cart or taken out."""


class CheckoutStarted(Cart):
    """The customer began to pay."""


class ProductViewed(EventData):
    """A product's page was looked at."""

    sku: Text
    name: Text | None = None
    category: Text | None = None
    price: Number | None = None


class CouponRedeemed(EventData):
    """A coupon was used."""

    code: Text
    campaign_id: Text | None = None
    amount: Number | None = None


class PageViewed(EventData):
    """A page was looked at."""

    url: Text
    title: Text | None = None
    referrer: Text | None = None
    source: Text | None = None
    medium: Text | None = None
    campaign_id: Text | None = None


class SessionStarted(EventData):
    """A visit began."""

    platform: Text | None = None
    device: Text | None = None
    landing_page: Text | None = None
    referrer: Text | None = None
    source: Text | None = None
    medium: Text | None = None
    campaign_id: Text | None = None


class Ad(EventData):
    """An advertisement and what it cost."""

    ad_id: Text
    campaign_id: Text | None = None
    cost: Number | None = None


class AdViewed(Ad):
    """An advertisement was shown."""


class AdClicked(Ad):
    """An advertisement was clicked."""


class EmailSignedUp(EventData):
    """An e-mail address was left for news."""

    page: Text | None = None
    source: Text | None = None


class LeadMagnetDownloaded(EventData):
    """A free offer was downloaded."""

    magnet_id: Text
    page: Text | None = None


class WebinarRegistered(EventData):
    """A seat in a webinar was booked."""

    webinar_id: Text
    page: Text | None = None


class SurveyAnswered(EventData):
    """A survey was answered."""

    survey: Text
    score: Number | None = None
    comment: Text | None = None
    message_id: Text | None = None


class TicketOpened(EventData):
    """The customer asked for help."""

    ticket_id: Text
    topic: Text | None = None
    priority: Text | None = None


class TicketResolved(EventData):
    """A request for help was settled."""

    ticket_id: Text
    satisfaction: Number | None = None


class LeadCreated(EventData):
    """A person became known as a lead."""

    lead_id: Text | None = None
    source: Text | None = None
    medium: Text | None = None
    campaign_id: Text | None = None
    first_page: Text | None = None
    request_page: Text | None = None
    cost: Number | None = None
    owner: Text | None = None


class LeadQualified(EventData):
    """A lead reached a level: nurtured, mql or sql."""

    lead_id: Text | None = None
    level: Text


class DealStageChanged(EventData):
    """A deal moved to lead_generation, lead_qualification, first_contact, proposal, negotiation, won or lost."""

    deal_id: Text
    stage: Text
    amount: Number | None = None
    owner: Text | None = None
    reason: Text | None = None


class CallLogged(EventData):
    """A call took place."""

    direction: Text | None = None
    duration_s: Number | None = None
    outcome: Text | None = None
    owner: Text | None = None


class ReferralMade(EventData):
    """The customer recommended us to somebody."""

    referred_id: Text | None = None
    code: Text | None = None


class RewardEarned(EventData):
    """Points were credited."""

    points: Number
    reason: Text | None = None


class MessageEvent(EventData):
    """What happened to a message; `kind` of a bounce is hard or soft."""

    message_id: Text
    channel: Text
    trigger: Text | None = None
    campaign_id: Text | None = None
    address: Text | None = None
    kind: Text | None = None
    url: Text | None = None


class MessageSent(MessageEvent):
    """A message left the house."""


class MessageDelivered(MessageEvent):
    """A message arrived."""


class MessageOpened(MessageEvent):
    """A message was opened."""


class MessageClicked(MessageEvent):
    """A link in a message was clicked."""


class MessageBounced(MessageEvent):
    """A message came back."""


class MessageComplained(MessageEvent):
    """A message was reported as unwanted."""


class Unsubscribed(EventData):
    """Consent was withdrawn, for all channels or purposes where they are left out."""

    channel: Text | None = None
    purpose: Text | None = None


class ConsentChanged(EventData):
    """Consent was given or withdrawn."""

    channel: Text
    purpose: Text
    granted: Flag


class ProfileUpdated(EventData):
    """Fields of the profile changed; null clears one."""

    email: Text | None = None
    phone: Text | None = None
    push_token: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    language: Text | None = None
    country: Text | None = None
    city: Text | None = None
    gender: Text | None = None
    time_zone: Text | None = None
    birthday: Date | None = None


TYPES: Mapping[str, type[EventData]] = MappingProxyType(
    {
        "order_completed": OrderCompleted,
        "order_refunded": OrderRefunded,
        "cart_updated": CartUpdated,
        "checkout_started": CheckoutStarted,
        "product_viewed": ProductViewed,
        "coupon_redeemed": CouponRedeemed,
        "page_viewed": PageViewed,
        "session_started": SessionStarted,
        "ad_viewed": AdViewed,
        "ad_clicked": AdClicked,
        "email_signed_up": EmailSignedUp,
        "lead_magnet_downloaded": LeadMagnetDownloaded,
        "webinar_registered": WebinarRegistered,
        "survey_answered": SurveyAnswered,
        "ticket_opened": TicketOpened,
        "ticket_resolved": TicketResolved,
        "lead_created": LeadCreated,
        "lead_qualified": LeadQualified,
        "deal_stage_changed": DealStageChanged,
        "call_logged": CallLogged,
        "referral_made": ReferralMade,
        "reward_earned": RewardEarned,
        "message_sent": MessageSent,
        "message_delivered": MessageDelivered,
        "message_opened": MessageOpened,
        "message_clicked": MessageClicked,
        "message_bounced": MessageBounced,
        "message_complained": MessageComplained,
        "unsubscribed": Unsubscribed,
        "consent_changed": ConsentChanged,
        "profile_updated": ProfileUpdated,
    }
)


BUILTIN: Mapping[str, Fields] = MappingProxyType({name: fields_of_model(model) for name, model in TYPES.items()})

# What stands for a field of an item that is left out; one that is null is null.
ITEM_DEFAULTS: Mapping[str, int] = MappingProxyType(
    {name: info.default for name, info in Item.model_fields.items() if isinstance(info.default, int)}
)

PROFILE_FIELDS: Mapping[str, str] = MappingProxyType(
    {name: kind for name, kind in BUILTIN["profile_updated"].fields.items() if isinstance(kind, str)}
)


@lru_cache(maxsize=4_096)
def model_of(type: str, declared: Fields | None = None) -> type[EventData] | None:
    """The model that judges a type's data: the built-in one with the fields that a rulebook declares; None for a type
    that nobody knows."""
    built_in = TYPES.get(type)
    if declared is None:
        return built_in
    known = built_in.model_fields if built_in else {}
    added = {name: kind for name, kind in declared.fields.items() if name not in known}
    return model_from(f"declared_{type}", Fields(added, declared.required & added.keys()), built_in or EventData)
