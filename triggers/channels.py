"""Which channel a message takes: the first usable one of those listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from triggers.definitions import TRANSACTIONAL
from triggers.occasion import CustomerView
from triggers.reasons import Reason

# A channel that is not here has its address in the profile field of its own name.
ADDRESS_FIELDS = MappingProxyType({"email": "email", "sms": "phone", "whatsapp": "phone", "push": "push_token"})


class Usable(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The channel taken, and why those listed before it were not."""

    channel: str
    address: str
    objections: Mapping[str, str]


class NoneUsable(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """No channel is usable; `reason` is that of the first listed."""

    reason: Reason
    objections: Mapping[str, str]


def choose(view: CustomerView, channels: Sequence[str], purpose: str) -> Usable | NoneUsable:
    """Ask each channel in turn for consent, an address, and that the address is reachable."""
    objections: dict[str, str] = {}
    first: Reason | None = None
    for channel in channels:
        address = view.profile(ADDRESS_FIELDS.get(channel, channel))
        if purpose != TRANSACTIONAL and not view.consent(channel, purpose):
            objection = Reason.CONSENT
        elif not isinstance(address, str) or not address:
            objection = Reason.NO_ADDRESS
        elif view.unreachable(channel, address):
            objection = Reason.UNREACHABLE
        else:
            return Usable(channel=channel, address=address, objections=objections)
        first = first or objection
        objections[channel] = objection.value
    return NoneUsable(reason=first or Reason.NO_ADDRESS, objections=objections)
