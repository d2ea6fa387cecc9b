"""How a customer is reached: the data of messages, of consent to them and of the profile."""

from __future__ import annotations

from events.kinds import Date, EventData, Flag, Text


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
