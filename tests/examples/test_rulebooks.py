"""Both examples' rulebooks load without a fault and have all that their pages promise."""

from __future__ import annotations

from functools import cache

import pytest

from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook
from projections.definitions import Bands, Cases, TraitKind, ValuesOf
from templates.catalogue import stock
from tests.tidy.tree import ROOT
from triggers.definitions import MARKETING, TRANSACTIONAL, Offer, Once, OnKind, TriggerDef


@cache
def rulebook(example: str) -> Rulebook:
    return load_folder(ROOT / "examples" / example / "rulebook", stock=stock())


def triggers(example: str) -> list[TriggerDef]:
    return list(rulebook(example).rules.triggers.values())


def offers(example: str) -> list[Offer]:
    return [trigger.message.offer for trigger in triggers(example) if trigger.message.offer is not None]


def test_the_grocer_has_as_many_rules_as_a_grocer_wants() -> None:
    world, rules = rulebook("grocery").world, rulebook("grocery").rules
    assert len(world.traits) >= 25
    assert len(world.segments) >= 40
    assert len(world.dimensions) >= 5
    assert len(rules.triggers) >= 12


def test_the_first_cat_litter_is_thanked_for_two_weeks_later_at_ten() -> None:
    trigger = rulebook("grocery").rules.triggers["cat_litter_thanks"]
    assert (trigger.on.kind, trigger.on.name) == (OnKind.ENTERS, "cat_litter_bought")
    assert trigger.after_ms == 14 * 86_400_000
    assert trigger.at_ms == 10 * 3_600_000
    assert trigger.once == Once.PER_CUSTOMER
    assert trigger.message.offer == Offer(
        code="CATFOOD10", percent=10_000_000, category="cat food", until="end_of_month"
    )


@pytest.mark.parametrize("example", ["grocery", "petshop"])
def test_every_kind_of_rule_is_there(example: str) -> None:
    world, rules = rulebook(example).world, rulebook(example).rules
    kinds = {trait.kind for trait in world.traits.values()}
    assert kinds == set(TraitKind)
    assert {type(dimension.form) for dimension in world.dimensions.values()} == {Cases, Bands, ValuesOf}
    assert {trigger.on.kind for trigger in rules.triggers.values()} == set(OnKind)
    assert {trigger.message.purpose for trigger in rules.triggers.values()} == {MARKETING, TRANSACTIONAL}
    assert any(segment.leaves_when is not None for segment in world.segments.values())
    assert any(trait.half_life_ms for trait in world.traits.values())
    assert any(trait.within_ms for trait in world.traits.values())
    assert any(trait.where is not None for trait in world.traits.values())


@pytest.mark.parametrize("example", ["grocery", "petshop"])
def test_every_option_of_a_trigger_is_used(example: str) -> None:
    policy = rulebook(example).rules.policy
    rules = triggers(example)
    assert policy.quiet_hours is not None
    assert {bool(cap.trigger) for cap in policy.caps} == {True, False}
    assert any(rule.cancel_when for rule in rules)
    assert any(rule.condition is not None for rule in rules)
    assert any(rule.even_if_left for rule in rules)
    assert any(rule.include_existing for rule in rules)
    assert any(rule.holdout for rule in rules)
    assert any(rule.expires_after_ms for rule in rules)
    assert any(rule.priority for rule in rules)
    assert any(rule.goal for rule in rules)
    assert any(rule.on.where is not None for rule in rules)
    assert {type(rule.once) for rule in rules} == {Once, int}


def test_the_petshop_shows_what_the_grocer_does_not_need() -> None:
    world = rulebook("petshop").world
    assert any(rule.paused for rule in triggers("petshop"))
    assert {type(offer.until) for offer in offers("petshop")} == {str, int, tuple}
    assert {bool(offer.amount) for offer in offers("petshop")} == {True, False}
    assert {len(rule.message.channels) for rule in triggers("petshop")} == {1, 2}
    assert "grooming_booked" in world.types
    assert "cart_id" in world.types["order_completed"].fields
    assert {"pet_name", "pet_birthday", "loyalty_card"} <= set(world.profile)
