"""What a derived world says of itself, kept beside its states."""

from __future__ import annotations

import msgspec

from engine.ports import DerivedStore
from events.fold_version import FOLD_VERSION

META_VERSION = 2
READ_VERSIONS = (1, 2)
"""The first had no blocks of ids (`seen_blocks.py`) beside the states; a release that knows only it folds again."""

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
    unknown: int = 0
    customers: int = 0
    transitions: int = 0


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
