"""What people look at and put their names down for: the data of visits, advertisements and sign-ups."""

from __future__ import annotations

from events.kinds import EventData, Number, Text


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
