"""Renders a rulebook's templates with example data, as its triggers will ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.rulebook.nodes import Source
from engine.rulebook.problems import Problems
from engine.rulebook.rulebook import Definitions
from events.numbers import shown
from projections.definitions import WorldDef
from templates.check import Request, check_templates
from triggers.definitions import TRANSACTIONAL, Offer, OnKind, RulesDef, TriggerDef


def check_rendering(definitions: Definitions, folder: str, problems: Problems) -> None:
    """Report the templates that cannot be compiled, and what goes wrong in the messages that can be rendered, whatever
    is wrong elsewhere; `folder` is where the templates' files are."""
    rules, templates = definitions.rules, definitions.templates
    requests = [_request(rules.triggers[name], definitions.world, rules) for name in sorted(definitions.renderable)]
    _report(check_templates(templates, requests), templates, folder, problems)


def _report(
    faults: Iterable[tuple[str, int, str]], templates: Mapping[str, str], folder: str, problems: Problems
) -> None:
    for key, line, message in faults:
        source = Source(f"{folder}/{key}", templates.get(key, ""))
        start, end = source.line_bounds(line)
        problems.add_at(source, start, end, message)


def _request(trigger: TriggerDef, world: WorldDef, rules: RulesDef) -> Request:
    on, message = trigger.on, trigger.message
    return Request(
        trigger=trigger.name,
        template=message.template,
        channels=message.channels,
        marketing=message.purpose != TRANSACTIONAL,
        profile=world.profile,
        traits=world.traits,
        event=world.types[on.name] if on.kind is OnKind.EVENT else None,
        offer=None if message.offer is None else dict(_shown(message.offer)),
        links=rules.policy.links,
        sender=rules.policy.sender,
    )


def _shown(offer: Offer) -> Iterator[tuple[str, object]]:
    """The offer as a template sees it, but for its last day."""
    yield "code", offer.code
    yield "percent", None if offer.percent is None else shown(offer.percent)
    yield "amount", None if offer.amount is None else shown(offer.amount)
    yield "category", offer.category
