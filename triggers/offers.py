"""What an offer is worth at the instant its message is sent."""

from __future__ import annotations

from events import calendar, zones
from triggers.definitions import Offer
from triggers.occasion import OfferTerms

END_OF_MONTH = "end_of_month"


def terms(offer: Offer, t_ms: int, zone: str) -> OfferTerms:
    """The offer as sent at `t_ms` to a customer in `zone`."""
    return OfferTerms(
        code=offer.code,
        percent=offer.percent,
        amount=offer.amount,
        category=offer.category,
        expires_on=_expires_on(offer.until, t_ms, zone),
    )


def _expires_on(until: str | int | tuple[str, int] | None, t_ms: int, zone: str) -> int | None:
    """The last local day on which it holds, in days since 1970-01-01."""
    if until is None:
        return None
    if isinstance(until, tuple):
        return until[1]
    if isinstance(until, int):
        return zones.local(t_ms + until, zone)[0]
    return calendar.last_day_of_month(zones.local(t_ms, zone)[0])
