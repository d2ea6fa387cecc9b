"""What a derived world says of itself, kept beside its states."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.outputs import frontier
from engine.ports import DecisionStream, DerivedStore
from events.errors import DerivedDamaged, FactsDamaged
from events.fold_version import FOLD_VERSION
from triggers.decisions import MARK

META_VERSION = 3
READ_VERSIONS = (1, 2, 3)
"""The first had no blocks of ids (`seen_blocks.py`) beside the states, the second no names of unknown types; a release
that knows only them folds again."""

MOST_TYPES = 1_000
"""Of so many unknown types the names are kept."""

ADVICE = "run `strand rebuild`; facts/ are unharmed"


class Meta(msgspec.Struct, kw_only=True):
    """What a world says of itself; a state is a cache, and this tells whether it is one of ours."""

    version: int = META_VERSION
    fold_version: int = FOLD_VERSION
    rulebook: str
    layout: str  # the states' slots, as `Compiled.fingerprint` has them
    activation_offset: int
    applied: int = -1
    journey_ms: int = 0
    batches_read: int = 0
    claim: int = -1  # whose state it is, where several may own a partition one after another
    overdue: list[str] = []  # customers with a match that the fold found due and not decided
    events: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    unknown: int = 0  # records of types that no schema has
    unknown_types: dict[str, int] = {}  # how many of each
    customers: int = 0
    transitions: int = 0

    def count_unknown(self, types: Iterable[str]) -> None:
        """Count records of these types, by name while there are not too many."""
        for name in types:
            self.unknown += 1
            if name in self.unknown_types or len(self.unknown_types) < MOST_TYPES:
                self.unknown_types[name] = self.unknown_types.get(name, 0) + 1


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Meta).decode


def encode_meta(meta: Meta) -> bytes:
    """Its bytes."""
    return _encode(meta)


def read_meta(store: DerivedStore) -> Meta | None:
    """What the store's world says of itself; None for an empty store or one of another layout."""
    data = store.meta()
    if data is None:
        return None
    try:
        meta = _decode(data)
    except msgspec.MsgspecError:
        return None
    if meta.version not in READ_VERSIONS:
        return None
    meta.version = META_VERSION
    return meta


def live_meta(store: DerivedStore, partition: int) -> Meta | None:
    """As `read_meta`, of a live generation: one that holds no world at all is damaged, for it held one when it became
    live."""
    if store.meta() is None:
        raise DerivedDamaged(f"the live world of partition {partition} is gone from its generation", ADVICE)
    return read_meta(store)


def check_within(meta: Meta, stream: DecisionStream, partition: int) -> None:
    """Raise FactsDamaged where a world contains more than was decided: facts are on the disk before what is made of
    them, so they have lost something since, or are an older copy."""
    edge = frontier(stream)
    if (meta.applied, MARK, "") <= edge and meta.batches_read <= stream.count():
        return
    raise FactsDamaged(
        f"partition {partition}: the live world is ahead of the decisions: it contains offset {meta.applied} and "
        f"{meta.batches_read} batches, facts/ hold decisions up to offset {edge[0]} in {stream.count()} batches",
        f"put the newest copy from `strand backup` in the place of facts/p{partition}; or, to go on with these facts, "
        "remove derived/ and run `strand rebuild`; nothing was changed",
    )
