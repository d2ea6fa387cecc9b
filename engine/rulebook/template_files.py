"""Which templates a rulebook carries: those of its folder, and the stock ones that its triggers use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.rulebook.reading import Reading
from engine.rulebook.triggers import ReadTrigger
from templates.catalogue import Catalogue, NotATemplate, place_of
from templates.render import lacking_parts
from triggers.definitions import TRANSACTIONAL, Policy

E_MAIL = "email"


def with_stock(own: Mapping[str, str], stock: Mapping[str, str], used: Iterable[str]) -> dict[str, str]:
    """The folder's templates, and the stock ones of names that are used and that the folder does not have."""
    names = {key.partition("/")[0] for key in own}
    wanted = set(used) - names
    return {**own, **{key: text for key, text in stock.items() if key.partition("/")[0] in wanted}}


def check_messages(
    triggers: Iterable[ReadTrigger],
    templates: Mapping[str, str],
    stock: Mapping[str, str],
    policy: Policy,
    reading: Reading,
) -> set[str]:
    """Report templates that do not exist or lack a part, and marketing e-mails without a way to unsubscribe; gives the
    triggers that nothing was reported of."""
    sound = {}
    for key in templates:
        try:
            place_of(key)
        except NotATemplate:
            continue
        sound[key] = templates[key]
    catalogue = Catalogue(sound)
    whole: set[str] = set()
    for trigger in triggers:
        message, before = trigger.definition.message, len(reading.problems)
        if message.template not in catalogue.names:
            known = {*catalogue.names, *(key.partition("/")[0] for key in stock)}
            reading.refuse(
                trigger.template,
                f"there is no template '{message.template:.60}'{reading.suggest(message.template, known)}",
            )
            continue
        for node, channel in zip(trigger.channels, message.channels, strict=True):
            lacking = lacking_parts(channel, catalogue.parts_for(message.template, channel, None))
            if lacking:
                parts = " or ".join(f"{message.template}/{channel}.{part}" for part in lacking.split(" or "))
                reading.refuse(node, f"the template '{message.template}' lacks {parts}")
            marketing_mail = channel == E_MAIL and message.purpose != TRANSACTIONAL
            if marketing_mail and "unsubscribe" not in policy.links:
                why = "a marketing e-mail needs policy.links.unsubscribe, by which its reader can stop them"
                reading.refuse_unknown(node, why)
        if len(reading.problems) == before:
            whole.add(trigger.definition.name)
    return whole
