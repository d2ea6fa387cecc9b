"""What passes between people and the house: the data of leads and deals, calls, requests for help and rewards."""

from __future__ import annotations

from events.kinds import EventData, Number, Text


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


class ReferralMade(EventData):
    """The customer recommended us to somebody."""

    referred_id: Text | None = None
    code: Text | None = None


class RewardEarned(EventData):
    """Points were credited."""

    points: Number
    reason: Text | None = None
