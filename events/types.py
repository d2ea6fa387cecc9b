"""The built-in event types: the table of them, and what is derived of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from events.data import attention, contact, relations, shopping
from events.kinds import EventData, fields_of_model, model_from
from events.schema import Fields

TYPES: Mapping[str, type[EventData]] = MappingProxyType(
    {
        "order_completed": shopping.OrderCompleted,
        "order_refunded": shopping.OrderRefunded,
        "cart_updated": shopping.CartUpdated,
        "checkout_started": shopping.CheckoutStarted,
        "product_viewed": shopping.ProductViewed,
        "coupon_redeemed": shopping.CouponRedeemed,
        "page_viewed": attention.PageViewed,
        "session_started": attention.SessionStarted,
        "ad_viewed": attention.AdViewed,
        "ad_clicked": attention.AdClicked,
        "email_signed_up": attention.EmailSignedUp,
        "lead_magnet_downloaded": attention.LeadMagnetDownloaded,
        "webinar_registered": attention.WebinarRegistered,
        "survey_answered": relations.SurveyAnswered,
        "ticket_opened": relations.TicketOpened,
        "ticket_resolved": relations.TicketResolved,
        "lead_created": relations.LeadCreated,
        "lead_qualified": relations.LeadQualified,
        "deal_stage_changed": relations.DealStageChanged,
        "call_logged": relations.CallLogged,
        "referral_made": relations.ReferralMade,
        "reward_earned": relations.RewardEarned,
        "message_sent": contact.MessageSent,
        "message_delivered": contact.MessageDelivered,
        "message_opened": contact.MessageOpened,
        "message_clicked": contact.MessageClicked,
        "message_bounced": contact.MessageBounced,
        "message_complained": contact.MessageComplained,
        "unsubscribed": contact.Unsubscribed,
        "consent_changed": contact.ConsentChanged,
        "profile_updated": contact.ProfileUpdated,
    }
)


BUILTIN: Mapping[str, Fields] = MappingProxyType({name: fields_of_model(model) for name, model in TYPES.items()})

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
