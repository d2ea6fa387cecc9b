"""Which partition a customer's events live in: Kafka's own choice, so that both runtimes and other clients agree."""

from __future__ import annotations

from functools import lru_cache
from struct import unpack_from

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995
_SEED = 0x9747B28C


def murmur2(key: bytes) -> int:
    """The 32 bits of murmur2 as Kafka's Java client computes it (Austin Appleby's MurmurHash2 with its own seed)."""
    length = len(key)
    h = _SEED ^ length
    whole = length & ~3
    for word in unpack_from(f"<{whole >> 2}I", key):
        k = word * _M & _MASK
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    if whole < length:
        h = (h ^ int.from_bytes(key[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


@lru_cache(maxsize=65_536)
def partition_of(customer_id: str, partitions: int) -> int:
    """The customer's partition, 0 to partitions - 1: the default of Kafka's Java client for the id as UTF-8 key."""
    return (murmur2(customer_id.encode()) & 0x7FFFFFFF) % partitions
