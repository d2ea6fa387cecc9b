"""Activations on Kafka are numbered by their place in the topic `activations`, and say so in their id.

So each partition tells by itself which of two came first, whoever appended them to it and in whichever order.
"""

from __future__ import annotations

import msgspec

from events.codec import Activation, activation_of, read_record
from events.errors import FactsDamaged, InputRefused, Reason


def numbered(activation: Activation, number: int) -> Activation:
    """The activation as it is appended to the partitions."""
    return msgspec.structs.replace(activation, id=f"{number}-{activation.id}")


def read_announced(topic: str, number: int, value: bytes | None) -> Activation:
    """The activation at an offset of its topic, with its number; raises FactsDamaged for what is none."""
    try:
        return numbered(activation_of(read_record(value or b"")[0]), number)
    except InputRefused as refused:
        action = (
            "have nobody but workers and `strand apply` write to the topic (ACLs), and bring all topics into new ones "
            "without this record, or restore them, for Kafka cannot remove it: 'A foreign record' in docs/operations.md"
        )
        raise FactsDamaged(f"what stands at offset {number} of {topic} is no activation: {refused}", action) from None


def number_of(activation: Activation) -> int:
    """The number of an activation; raises InputRefused for one that has none."""
    number, dash, _ = activation.id.partition("-")
    if not (dash and number.isascii() and number.isdigit() and len(number) < 19):
        detail = (
            f"an activation's id must begin with its number in the topic of activations; found {activation.id!r:.60}"
        )
        raise InputRefused(Reason.SCHEMA, detail)
    return int(number)
