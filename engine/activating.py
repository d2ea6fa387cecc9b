"""Taking an activation: everything due by then happens under the old rulebook, the log is folded again under the new
one, and each known customer takes one step.

The new world is a new generation; pointer and applied offset flip together. A crash anywhere leaves a frontier inside
the activation, from which the same path goes on after the last recorded customer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.compiled import Compiled
from engine.deciding import Decider
from engine.kill_points import reach
from engine.ledgers import doubt
from engine.reading import Batch
from engine.world import Change, Past, Step, World
from events.codec import head_of
from triggers.decisions import MARK, OWN, Output, Position
from triggers.occasion import Activation

if TYPE_CHECKING:
    from engine.shard import Shard


@dataclass(frozen=True, slots=True)
class Activated:
    """What an activation made of a customer, for who announces it: `changes` are to the new world from the old one."""

    world: World
    state: Any
    t_ms: int
    position: Position
    cause: str
    changes: list[Change]


def activate(shard: Shard, offset: int) -> int:
    """Take the activation at an offset; returns 1. Its outputs are durable and the new world is current after."""
    old = shard.world
    compiled = shard.activations.compiled(offset)
    appended_at_ms = head_of(shard.log.get(offset)).appended_at_ms
    if old is not None:
        finish_under_old(shard, old, offset, appended_at_ms)
    if old is not None and takes_over(old.compiled, compiled):
        world = old
        world.rebind(compiled)
    else:
        world = shard.fold(offset, offset - 1)
        past = Past((offset, MARK, ""), shard.recorded(0, offset - 1).outputs)
        world.advance(Batch(offset, [None], [appended_at_ms], control=1), past, None)
    step_customers(shard, world, old if old is not world else None, offset)
    world.meta.applied = offset
    world.meta.rulebook, world.meta.activation_offset = compiled.rulebook.hash, offset
    shard.make_durable([], whole=offset)
    world.meta.batches_read = shard.stream.count()
    world.flush()
    if world is not old:
        shard.generations.swap(world.store)
    shard.world = world
    return 1


def takes_over(old: Compiled, new: Compiled) -> bool:
    """Whether the old world is the new rulebook's too: the same definitions, in states of the same layout."""
    return old.rulebook.world_hash == new.rulebook.world_hash and old.fingerprint == new.fingerprint


def finish_under_old(shard: Shard, old: World, offset: int, appended_at_ms: int) -> None:
    """Everything due by the activation happens under the old rulebook."""
    before_ms = old.meta.journey_ms
    t = old.meta.journey_ms = max(before_ms, appended_at_ms)
    decider = Decider(old.compiled, shard.log, shard.make_durable)
    old.fold_recorded(offset, shard.past)
    if old.overdue:
        old.ask_overdue(offset, before_ms, shard.past.frontier)
    old.timers.reach(t)
    old.pass_time(t, before_ms, offset, shard.past.frontier, decider)
    shard.make_durable(decider.outputs)


def step_customers(shard: Shard, world: World, old: World | None, offset: int) -> None:
    """One step for each known customer, in order of id, for those after the last recorded one."""

    def keep(outputs: list[Output]) -> None:
        shard.make_durable(outputs)
        reach("mid-activation")

    decider = Decider(world.compiled, shard.log, keep)
    t = world.meta.journey_ms
    rules = world.compiled.rules
    earlier = shard.activations.triggers_through(offset - 1)
    new_triggers = frozenset(rule.name for rule in rules.existing) - earlier
    announce = None if world is shard.world else shard.announce_activated
    for customer, state, was in beside(world, old):
        position = (offset, OWN, customer)
        if position <= shard.past.frontier and state.pending:
            doubt(state)
            world.hot[customer] = world.dirty[customer] = state
        if position <= shard.past.frontier or not (state.pending or rules.existing or announce):
            continue
        changes = differences(world, state, old, was) if old is not None or announce else []
        if announce is not None and changes:
            announce(Activated(world, state, t, position, f"activation:{t}", changes))
        if not (state.pending or rules.existing):
            continue
        if old is None:  # the first rulebook, or the same definitions: nobody is brought in
            changes = []
        entered = {world.program.names[number] for number, _, after in changes if after is True}
        world.hot[customer] = world.dirty[customer] = state
        if state.exit_at <= t:  # no membership waited for it, but conditions and templates read it
            world.program.expire(state, t, [])
        step = Step(customer, state, t, position, f"activation:{t}", changes=changes)
        decider(step, Activation(new_triggers=new_triggers, brought_in=frozenset(entered)))
        if state.ask_at < state.queued:
            world.queue(customer, state, state.ask_at)
        world.overdue.pop(customer, None)
    keep(decider.outputs)


def beside(world: World, old: World | None) -> Iterator[tuple[str, Any, Any]]:
    """Each known customer's state, with the old world's or None."""
    before = old.all_states() if old is not None else iter(())
    was = next(before, None)
    for customer, state in world.all_states():
        while was is not None and was[0] < customer:
            was = next(before, None)
        yield customer, state, was[1] if was is not None and was[0] == customer else None


def differences(world: World, state: Any, old: World | None, was: Any) -> list[Change]:
    """What the customer is in the new world and was not in the old one; a removed segment ends silently."""
    found: list[Change] = []
    program = world.program
    before = old.program if old is not None else program
    for number, name in enumerate(program.names):
        known = was is not None and name in before.number_of
        if number < program.segments:
            then = known and before.number_of[name] < before.segments and before.member(was, name)
            now = program.member(state, name)
            if then != now:
                found.append((number, then, now))
        else:
            earlier = before.dimension(was, name) if known and before.number_of[name] >= before.segments else None
            value = program.dimension(state, name)
            if earlier != value:
                found.append((number, earlier, value))
    return found
