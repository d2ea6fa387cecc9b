"""Checks templates against what triggers will give them, before any customer is written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from events.errors import RenderFailed
from events.nearest import did_you_mean
from projections.definitions import FieldKinds, TraitDef
from projections.expressions.tree import Kind
from templates.catalogue import Catalogue
from templates.context import LINK_FIELDS, OFFER_FIELDS, PROFILE_FIELDS, SENDER_FIELDS, build_context
from templates.example_data import DATE, example_fields, example_profile, example_value
from templates.part import Compiled, render_part
from templates.plain import Variables, plain
from templates.render import Fault, compile_all, lacking_parts

_NULL_TRAITS = frozenset({Kind.SET, Kind.LIST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one trigger asks of a template, and what it will give it.

    `event` has the fields of the event that causes the match, None where it may be of any type or there is none.
    `offer` has the offer's shown values (without `expires_on`), None without an offer. `trigger` is for messages.
    """

    trigger: str
    template: str
    channels: tuple[str, ...]
    marketing: bool = True
    profile: Mapping[str, Kind] = field(default_factory=dict)
    traits: Mapping[str, TraitDef] = field(default_factory=dict)
    event: FieldKinds | None = None
    offer: Mapping[str, object] | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    sender: Mapping[str, str] = field(default_factory=dict)


def check_templates(templates: Mapping[str, str], requests: Iterable[Request]) -> list[tuple[str, int, str]]:
    """Every fault as (key, line from 1, message), in order of key and line, each once.

    Templates are compiled; each requested one is rendered for each channel and language, with full example data and
    with all that may be null null. A fault of a request that no file is to blame for has the key `NAME/CHANNEL`.
    """
    compiled, faults = compile_all(templates)
    catalogue = Catalogue(dict.fromkeys(compiled, ""))
    broken = {fault.key.partition("/")[0] for fault in faults}
    for request in requests:
        if request.template not in catalogue.names:
            if request.template not in broken:
                faults.append(_unknown(request, catalogue))
            continue
        for channel in request.channels:
            for language in catalogue.languages(request.template, channel) or (None,):
                keys = catalogue.parts_for(request.template, channel, language)
                lacking = lacking_parts(channel, keys)
                if not lacking:
                    parts = {part: compiled[key] for part, key in keys.items()}
                    faults.extend(_check_message(request, channel, parts))
                elif request.template not in broken:
                    where = f" in {language!r}" if language else ""
                    told = f"trigger {request.trigger!r} needs {lacking} for the channel {channel!r}{where}"
                    faults.append(Fault(f"{request.template}/{channel}", 1, told))
    return sorted({(fault.key, fault.line, fault.message) for fault in faults})


def _unknown(request: Request, catalogue: Catalogue) -> Fault:
    told = f"trigger {request.trigger!r} asks for the template {request.template!r}, which does not exist"
    return Fault(f"{request.template}/{request.channels[0]}", 1, told + did_you_mean(request.template, catalogue.names))


def _check_message(request: Request, channel: str, parts: Mapping[str, Compiled]) -> Iterator[Fault]:
    unsubscribe = request.links.get("unsubscribe")
    marketing_mail = request.marketing and channel == "email"
    for part, template in parts.items():
        unknown = list(_unknown_fields(request, template))
        yield from unknown
        if unknown:
            continue
        for sparse in (False, True):
            when = " (when all that may be null is null)" if sparse else ""
            try:
                text = render_part(template, example_variables(request, sparse=sparse))
            except RenderFailed as failure:
                yield Fault(template.key, max(1, failure.line), f"{failure.cause}{when}")
                break
            if marketing_mail and part != "subject" and not (unsubscribe and _MARK in text):
                lack = "must write links.unsubscribe" if unsubscribe else "needs policy.links.unsubscribe"
                told = f"a marketing e-mail {lack}, by which its reader can stop it"
                yield Fault(template.key, 1, told + when)
                break


def _unknown_fields(request: Request, template: Compiled) -> Iterator[Fault]:
    """Fields that no customer, event or offer of this request can have, also where the example does not come by."""
    known: dict[str, Iterable[str] | None] = {
        "customer": {*PROFILE_FIELDS, *request.profile},
        "traits": request.traits,
        "event": None if request.event is None else request.event.fields,
        "offer": OFFER_FIELDS,
        "links": {*LINK_FIELDS, *request.links},
        "sender": {*SENDER_FIELDS, *request.sender},
    }
    for one in template.references:
        names = known[one.group]
        if names is not None and one.field not in names:
            yield Fault(template.key, one.line, f"{one.group} has no {one.field!r}{did_you_mean(one.field, names)}")


# In an example every link carries this, so that the text shows whether the link was written.
_MARK = "example-of-unsubscribe"


def example_variables(request: Request, *, sparse: bool) -> Variables:
    """A message's variables for this request: everything known, or (sparse) null whatever may be."""
    profile: dict[str, Kind] = {**dict.fromkeys(PROFILE_FIELDS, Kind.TEXT), "birthday": Kind.DATE, **request.profile}
    traits = {name: _example_trait(trait, sparse=sparse) for name, trait in request.traits.items()}
    event = None if request.event is None else example_fields(request.event, sparse=sparse)
    offer = None if request.offer is None else {"expires_on": DATE, **request.offer}
    links = dict(request.links)
    if "unsubscribe" in links:
        links["unsubscribe"] += _MARK
    variables = build_context(
        profile=example_profile(profile, sparse=sparse),
        traits=traits,
        event=event,
        offer=offer,
        links=links,
        sender=request.sender,
    )
    # Not lenient as the real ones are, so that a misspelled field shows.
    variables["customer"] = plain({**dict.fromkeys(PROFILE_FIELDS), **example_profile(profile, sparse=sparse)})
    if event is not None:
        variables["event"] = plain(event)
        variables["items"] = plain(event.get("items") or [])
    return variables


def _example_trait(trait: TraitDef, *, sparse: bool) -> object:
    if not sparse:
        return example_value(trait.name, trait.value, trait.element)
    if trait.value in _NULL_TRAITS:
        return []
    return None if trait.nullable else example_value(trait.name, trait.value)
