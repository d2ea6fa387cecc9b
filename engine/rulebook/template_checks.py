"""Renders a rulebook's templates with example data, as its triggers will ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.rulebook.nodes import Source
from engine.rulebook.problems import Problems
from events.numbers import shown
from projections.definitions import WorldDef
from templates.check import Request, check_templates
from triggers.definitions import TRANSACTIONAL, Offer, OnKind, RulesDef, TriggerDef


def check_syntax(templates: Mapping[str, str], folder: str, problems: Problems) -> None:
    """Report the templates that cannot be compiled, whatever triggers ask of them."""
    _report(check_templates(templates, []), templates, folder, problems)


def check_rendering(
    templates: Mapping[str, str], world: WorldDef, rules: RulesDef, folder: str, problems: Problems
) -> None:
    """Report what goes wrong in any trigger's messages; `folder` is where the templates' files are."""
    requests = [_request(trigger, world, rules) for trigger in rules.triggers.values()]
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
