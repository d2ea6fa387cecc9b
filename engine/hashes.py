"""Hashes of what was derived and what was decided, equal for any number of partitions and in every runtime.

Each customer's part is hashed by itself and the parts are added modulo 2^256, so partitions, and workers, add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from engine.compiled import Compiled
from engine.ledgers import read_ledger
from engine.world import World
from triggers.decisions import Decision, Output
from triggers.ledger import canonical

MODULUS = 1 << 256
_encode = msgspec.json.Encoder(order="sorted").encode


def _exact(value: Any) -> Any:
    """A value that JSON can carry whole: integers beyond 64 bits as text."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(1 << 63) <= value < 1 << 63:
        return str(value)
    if isinstance(value, dict):
        return {str(key): _exact(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(each) for each in value]
    return value


def canonical_state(world: World, state: Any, as_of_ms: int) -> dict[str, Any]:
    """A customer's derived world without caches, offsets or versions."""
    return canonical_under(world.compiled, state, as_of_ms)


def canonical_under(compiled: Compiled, state: Any, as_of_ms: int) -> dict[str, Any]:
    """The same of a state that is in no open world."""
    program = compiled.program
    if state.exit_at <= as_of_ms:
        program.expire(state, as_of_ms, [])
    return {
        "traits": program.trait_values(state, as_of_ms),
        "profile": {name: entry[0] for name, entry in state.profile.items() if entry[0] is not None},
        "consent": {key: entry[:2] for key, entry in state.consent.items()},
        "unreachable": sorted([mark[0], mark[1] or "", mark[2]] for mark in state.marks),
        "segments": program.memberships(state),
        "dimensions": dict(zip(program.names[program.segments :], state.dims, strict=True)),
        "ledger": canonical(read_ledger(state), as_of_ms, compiled.rules),
    }


def state_hash(world: World, as_of_ms: int | None = None) -> int:
    """The sum of the customers' hashes as of a journey time (the world's own unless given)."""
    t = world.meta.journey_ms if as_of_ms is None else as_of_ms
    total = 0
    for customer, state in world.all_states():
        total += customer_hash(customer, canonical_state(world, state, t))
    return total % MODULUS


def customer_hash(customer: str, canonical: dict[str, Any]) -> int:
    """One customer's part of the state hash, of their canonical state."""
    return int.from_bytes(sha256(_encode([customer, _exact(canonical)])).digest())


def canonical_decision(customer: str, decision: Decision) -> list[Any]:
    """A decision without positions, offsets and claims."""
    fields = msgspec.structs.asdict(decision)
    for name in ("version", "made", "cause_offset"):
        del fields[name]
    return [customer, _exact(fields)]


def decisions_hash(outputs: Iterable[Output]) -> int:
    """The sum of the hashes of each customer's decisions in order."""
    by_customer: dict[str, Any] = {}
    for output in outputs:
        customer = output.position[2]
        for decision in output.decisions:
            digest = by_customer.get(customer)
            if digest is None:
                digest = by_customer[customer] = sha256(customer.encode() + b"\n")
            digest.update(_encode(canonical_decision(customer, decision)))
    return sum(int.from_bytes(digest.digest()) for digest in by_customer.values()) % MODULUS


def as_text(value: int) -> str:
    """A hash as 64 hexadecimal digits."""
    return f"{value:064x}"
