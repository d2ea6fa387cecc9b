"""Five thousand malformed events: each one is admitted or refused with a reason, and the next good one is taken."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgpack

from events.admission import Admitted, admit, admit_json, admit_msgpack, admit_value, judge_record
from events.codec import encode_record, head_of
from events.dead_letters import Door, dead_letter, decode_dead_letter, encode_dead_letter
from events.errors import InputRefused, Reason
from events.times import parse_instant

SEED = 20260301
NOW_MS = parse_instant("2026-03-01T12:00Z")
ORDER: dict[str, Any] = {
    "id": "e1",
    "type": "order_completed",
    "customer_id": "ann",
    "occurred_at": "2026-03-01T10:00:00Z",
    "source": "shop",
    "version": 1,
    "data": {
        "order_id": "o1",
        "total": 12.99,
        "currency": "EUR",
        "items": [{"sku": "a", "category": "cat_food", "quantity": 2, "price": 5.5}, {"sku": "b", "price": 1.99}],
        "further": {"notes": ["x", {"deep": None}], "paid": True},
    },
}

TIMES: list[Any] = [
    "0001-01-01T00:00Z", "0001-01-01T00:00+14:00", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59-14:00",
    "10000-01-01", "2026-02-30", "2027-01-01", NOW_MS + 60_000, NOW_MS + 60_001, -62_135_596_800_000,
    253_402_300_799_999, 253_402_300_800_000, -1, 0,
]  # fmt: skip
TEXTS: list[Any] = [
    "", " ", "\x00", "\x1b[31m", "\u0085", "\u202e", "\ud800", "é" * 100, "é" * 101, "x" * 200, "x" * 201, "x" * 5_000,
    "tick", "rulebook_activated", "Order Completed",
]  # fmt: skip
NUMBERS: list[Any] = [
    0, 1, -1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 10**15, 10**15 - 1, -(10**15), 10**30, 1e14, 1e15, 1e308, 5e-324,
    -0.0, math.nan, math.inf, -math.inf,
]  # fmt: skip
OTHERS: list[Any] = [
    None, True, False, [], {}, [[]], [{}], [None], {"": ""}, {"sku": 5}, [{"sku": None}], ["x", 5],
    {"x": [1, {"y": math.nan}]},
]  # fmt: skip
ODD = TIMES + TEXTS + NUMBERS + OTHERS
# Odd, but of the kind that belongs there.
FITTING = {
    "id": TEXTS,
    "customer_id": TEXTS,
    "occurred_at": TIMES,
    "total": NUMBERS,
    "price": NUMBERS,
    "version": NUMBERS,
}


def value_of(rng: random.Random) -> Any:
    choice = rng.random()
    if choice < 0.8:
        return deepcopy(rng.choice(ODD))
    if choice < 0.9:
        deep: Any = deepcopy(rng.choice(ODD))
        for _ in range(rng.choice([5, 29, 30, 31, 32, 33, 100, 400])):
            deep = [deep] if rng.random() < 0.5 else {"k": deep}
        return deep
    return [deepcopy(rng.choice(ODD)) for _ in range(rng.randint(0, 20))]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in the value."""
    found: list[tuple[Any, Any]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += [(value, key), *places(inner)]
    return found


def changed(rng: random.Random) -> Any:
    """The order with up to three of its values replaced, removed, renamed or added."""
    event = json.loads(json.dumps(ORDER))
    for _ in range(rng.randint(1, 3)):
        container, key = (event, rng.choice(list(event))) if rng.random() < 0.4 and event else rng.choice(places(event))
        deed = rng.random()
        if deed < 0.7:
            container[key] = rng.choice(FITTING[key]) if key in FITTING and rng.random() < 0.6 else value_of(rng)
        elif isinstance(container, list):
            container.append(value_of(rng))
        elif deed < 0.8:
            del container[key]
        elif deed < 0.9:
            container[key + rng.choice(["s", "_", " ", "\x00"])] = container.pop(key)
        else:
            container[str(rng.choice(ODD))[:300]] = value_of(rng)
    return event


def as_json(rng: random.Random) -> bytes:
    text = json.dumps(changed(rng), ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.1:
        text = text.replace("12.99", rng.choice(["1e400", "-1e400", "1" * 5000, "0." + "9" * 5000, "01", "1.", ".5"]))
    return text.encode("utf-8", "surrogatepass")


def as_msgpack(rng: random.Random) -> bytes:
    def fits(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fits(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [fits(inner) for inner in value]
        return float(value) if type(value) is int and not -(2**63) <= value < 2**64 else value

    return bytes(msgpack.packb(fits(changed(rng)), unicode_errors="surrogatepass"))


def cut(rng: random.Random, raw: bytes) -> bytes:
    return raw[: rng.randrange(len(raw))]


def flipped(rng: random.Random, raw: bytes) -> bytes:
    damaged = bytearray(raw)
    for _ in range(rng.randint(1, 8)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def huge(rng: random.Random) -> bytes:
    filler = rng.choice(["x", "0.5,", "\\u0000", "[", '{"a":', "1,", '"y",'])
    size = rng.choice([100_000, 262_000, 262_144, 300_000])
    line = json.dumps(ORDER).replace('"EUR"', filler * (size // len(filler)))
    return line.encode()


def malformed(rng: random.Random) -> tuple[Callable[..., Admitted], Any]:
    kind = rng.random()
    if kind < 0.35:
        return admit_json, as_json(rng)
    if kind < 0.6:
        return admit_msgpack, as_msgpack(rng)
    if kind < 0.75:
        return admit_value, changed(rng)
    if kind < 0.8:
        return admit, cut(rng, rng.choice([as_json(rng), as_msgpack(rng)]))
    if kind < 0.9:
        return admit, flipped(rng, rng.choice([as_json(rng), as_msgpack(rng)]))
    if kind < 0.98:
        return rng.choice([admit_json, admit_msgpack, admit]), rng.randbytes(rng.randint(0, 200))
    return rng.choice([admit_json, admit]), huge(rng)


def test_five_thousand_malformed_events_end_in_an_answer() -> None:
    rng = random.Random(SEED)
    reasons: Counter[str] = Counter()
    for _ in range(5_000):
        door, raw = malformed(rng)
        try:
            admitted = door(raw, now_ms=NOW_MS)
        except InputRefused as refused:
            reasons[refused.reason] += 1
            check_refusal(refused, raw)
        else:
            reasons["admitted"] += 1
            check_admitted(admitted)
    # The generator reaches every reason, and not everything it makes is wrong.
    for reason in (set(Reason) - {Reason.WRONG_KEY}) | {"admitted"}:
        assert reasons[reason] >= 20, reasons
    assert admit_value(ORDER, now_ms=NOW_MS).event.id == "e1"


def check_refusal(refused: InputRefused, raw: Any) -> None:
    assert 10 < len(refused.detail) < 700, refused.detail
    kept = raw if isinstance(raw, bytes) else repr(raw).encode()
    letter = dead_letter(refused, kept, door=Door.PUBLISH, at_ms=NOW_MS)
    assert decode_dead_letter(encode_dead_letter(letter)) == letter


def check_admitted(admitted: Admitted) -> None:
    """What a door takes can be written, read by any MessagePack reader, and is taken by the fold's judge too."""
    event = admitted.event
    record = encode_record(event, admitted.appended_at_ms or event.occurred_at_ms)
    assert judge_record(record)[0] == event
    assert head_of(record).customer_id == event.customer_id
    assert msgpack.unpackb(record)[8] == event.data


def test_any_bytes_in_the_log_end_in_an_answer() -> None:
    rng = random.Random(SEED + 1)
    good = encode_record(admit_value(ORDER, now_ms=NOW_MS).event, NOW_MS)
    taken = 0
    for _ in range(3_000):
        raw = rng.choice([cut, flipped])(rng, good) if rng.random() < 0.9 else rng.randbytes(rng.randint(0, 100))
        try:
            event, appended_at_ms = judge_record(raw)
        except InputRefused as refused:
            assert refused.detail
        else:
            taken += 1
            assert judge_record(encode_record(event, appended_at_ms)) == (event, appended_at_ms)
    assert taken > 100
