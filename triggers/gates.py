"""The gates a due match passes: the first that objects gives the decision and its reason."""

from __future__ import annotations

from functools import lru_cache

from events import zones
from events.errors import RenderFailed
from triggers import draws, offers
from triggers.asking import Asking, Hold, Send, Suppress, Verdict
from triggers.channels import Usable, choose
from triggers.definitions import MARKETING, TRANSACTIONAL, Cap, QuietHours
from triggers.ledger import NOT_ASKED, once_objection, sends_within
from triggers.occasion import RenderRequest
from triggers.reasons import Reason

ERROR_CHARACTERS = 500  # of a template's error, in the evidence


def ask(asking: Asking) -> Verdict:
    """Ask every gate in order, but for the holdout."""
    verdict = _expired(asking) or _paused(asking) or _condition(asking) or _once(asking)
    if verdict is not None:
        return verdict
    message = asking.trigger.message
    choice = choose(asking.view, message.channels, message.purpose)
    if not isinstance(choice, Usable):
        return Suppress(reason=choice.reason, evidence={"channels": choice.objections})
    return _caps(asking, choice) or _quiet_hours(asking, choice) or _rendered(asking, choice)


def _expired(asking: Asking) -> Verdict | None:
    limit_ms, late_ms = asking.trigger.expires_after_ms, asking.t_ms - asking.match.due_ms
    if limit_ms is None or late_ms <= limit_ms:
        return None
    return Suppress(reason=Reason.EXPIRED, evidence={"late_ms": late_ms, "expires_after_ms": limit_ms})


def _paused(asking: Asking) -> Verdict | None:
    if not asking.trigger.paused:
        return None
    return Hold(reason=Reason.PAUSED, evidence={"paused": True}, ask_ms=NOT_ASKED)


def _condition(asking: Asking) -> Verdict | None:
    holds = asking.rule.condition
    event = asking.event if asking.rule.reads_event else None
    if holds is None or holds(asking.view.state, asking.t_ms, event, None):
        return None
    return Suppress(reason=Reason.CONDITION, evidence={"traits": asking.view.evidence(asking.rule.name)})


def _once(asking: Asking) -> Verdict | None:
    once = asking.trigger.once
    use = once_objection(asking.ledger, trigger=asking.rule.name, once=once, cause=asking.match.cause, t_ms=asking.t_ms)
    if use is None:
        return None
    evidence = {
        "once": once if isinstance(once, int) else once.value,
        "used_at_ms": use.at_ms,
        "used_by": use.cause,
        "sent": use.sent,
    }
    return Suppress(reason=Reason.ONCE, evidence=evidence)


def _caps(asking: Asking, choice: Usable) -> Verdict | None:
    for cap in asking.policy.caps:
        if not _fits(cap, purpose=asking.purpose, channel=choice.channel, trigger=asking.rule.name):
            continue
        counted = [
            use.at_ms
            for use in sends_within(asking.ledger, cap.per_ms, asking.t_ms)
            if _fits(cap, purpose=use.purpose, channel=use.channel, trigger=use.trigger)
        ]
        if len(counted) >= cap.at_most:
            evidence = {"cap": cap.name, "sent": len(counted)}
            return Suppress(reason=Reason.CAP, evidence=evidence, channel=choice.channel, address=choice.address)
    return None


def _fits(cap: Cap, *, purpose: str, channel: str, trigger: str) -> bool:
    """Whether a cap asks and counts such a message: all it names must agree, and only a cap that names the purpose
    touches transactional ones."""
    if purpose == TRANSACTIONAL and cap.purpose is None:
        return False
    return cap.purpose in (None, purpose) and cap.channel in (None, channel) and cap.trigger in (None, trigger)


def _quiet_hours(asking: Asking, choice: Usable) -> Verdict | None:
    quiet = asking.policy.quiet_hours
    if quiet is None or not _applies(quiet, asking.purpose):
        return None
    zone = asking.view.zone()
    if not zones.is_quiet(asking.t_ms, quiet.from_ms, quiet.to_ms, zone):
        return None
    ask_ms = zones.not_quiet_after(asking.t_ms, quiet.from_ms, quiet.to_ms, zone)
    evidence = {
        "local_time": _clock(zones.local(asking.t_ms, zone)[1]),
        "zone": zone,
        "quiet": _span(quiet),
    }
    return Hold(
        reason=Reason.QUIET_HOURS, evidence=evidence, ask_ms=ask_ms, channel=choice.channel, address=choice.address
    )


def _applies(quiet: QuietHours, purpose: str) -> bool:
    """Whether a purpose is kept quiet: every other one goes with marketing, but transactional must be named."""
    return purpose in quiet.applies_to or (purpose != TRANSACTIONAL and MARKETING in quiet.applies_to)


@lru_cache(maxsize=64)
def _span(quiet: QuietHours) -> str:
    return f"{_clock(quiet.from_ms)}-{_clock(quiet.to_ms)}"


def _clock(local_ms: int) -> str:
    seconds, ms = divmod(local_ms, 1000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return text if not (ms or seconds % 60) else f"{text}:{seconds % 60:02}.{ms:03}"


def _rendered(asking: Asking, choice: Usable) -> Verdict:
    """The template gate."""
    trigger, match, view = asking.trigger, asking.match, asking.view
    name, customer = asking.rule.name, view.customer_id
    message_id = draws.message_id(name, customer, match.cause, match.matched_at_ms)
    zone, offer = view.zone(), trigger.message.offer
    request = RenderRequest(
        trigger=name,
        template=trigger.message.template,
        channel=choice.channel,
        address=choice.address,
        purpose=asking.purpose,
        language=view.language,
        cause_offset=match.cause_offset,
        offer=None if offer is None else offers.terms(offer, asking.t_ms, zone),
        message_id=message_id,
        t_ms=asking.t_ms,
        zone=zone,
    )
    try:
        parts = view.render(request)
    except RenderFailed as failure:
        return not_rendered(str(failure), choice.channel, choice.address)
    found = {"traits": view.evidence(name), "channels": choice.objections}
    return Send(channel=choice.channel, address=choice.address, message_id=message_id, parts=parts, evidence=found)


def held_out(asking: Asking, send: Send) -> Suppress | None:
    """The last gate, asked with the message in hand: who is held out could have been sent it."""
    trigger = asking.trigger
    if not trigger.holdout:
        return None
    drawn = draws.draw(asking.view.customer_id, asking.rule.name, trigger.salt)
    if not draws.below(drawn, trigger.holdout):
        return None
    evidence = {"share": trigger.holdout, "draw": drawn * draws.MILLION >> 64}
    return Suppress(reason=Reason.HOLDOUT, evidence=evidence, channel=send.channel, address=send.address)


def not_rendered(error: str, channel: str, address: str) -> Suppress:
    """The template gate's objection."""
    return Suppress(
        reason=Reason.TEMPLATE, evidence={"error": error[:ERROR_CHARACTERS]}, channel=channel, address=address
    )
