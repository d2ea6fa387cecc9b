"""A state's bytes: every container in both forms, and what version 1 wrote is read for ever."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.fold_version import FOLD_VERSION
from projections.expressions.runtime import NEVER
from projections.state import PERSON, StateCodec, encode_large, integer, state_struct
from projections.traits.kinds import Slot
from tests.projections.lives import START, Life, world

BIG = 1 << 70
SLOTS = [
    Slot("n", int, 0),
    Slot("maybe", int | None),
    Slot("text", str | None),
    Slot("flag", bool | None),
    Slot("list", list[int], list),
    Slot("texts", list[str], list),
    Slot("flags", list[bool], list),
    Slot("entries", list[tuple[int, int, str, float]], list),
    Slot("by_text", dict[str, tuple[int, int]], dict),
    Slot("by_number", dict[int, tuple[int, int]], dict),
    Slot("by_flag", dict[bool, tuple[int, int]], dict),
    Slot("sums", dict[str, tuple[float, float, int]], dict),
]
FILLED: dict[str, Any] = {
    "mem": bytearray(b"\x05\x80"),
    "dims": ["a", None],
    "queued": 7,
    "ask_at": NEVER,
    "pending": 2,
    "exit_at": 9,
    "zone": "Europe/Riga",
    "profile": {"city": ("Riga", 1, 2), "size": (40_000_000, 3, 4), "ok": (True, 5, 6), "gone": (None, 7, 8)},
    "past": {"email": [("a@shop.example", 1, 2), (None, 3, 4)]},
    "consent": {"email.marketing": (True, 1, 2)},
    "marks": [("email", None, 1, 2), ("sms", "+371", 3, 4)],
    "ledger": b"\x00\xff",
    "n": -3,
    "maybe": 4,
    "text": "t\u00e4xt",
    "flag": False,
    "list": [1, 2],
    "texts": ["a"],
    "flags": [True, False],
    "entries": [(1, 2, "x", 0.5)],
    "by_text": {"a": (1, 2)},
    "by_number": {5_000_000: (1, 2), -1: (3, 4)},
    "by_flag": {True: (1, 2)},
    "sums": {"a": (0.5, 1.5, 3)},
}
STRUCT = state_struct(SLOTS)
CODEC = StateCodec(STRUCT)


def both_ways(**values: Any) -> Any:
    state = STRUCT(**(FILLED | values))
    raw = CODEC.encode(state)
    found = CODEC.decode(raw)
    assert found == state
    for field in msgspec.structs.fields(STRUCT):
        one, other = getattr(found, field.name), getattr(state, field.name)
        assert shape(one) == shape(other), field.name
    return raw


def shape(value: Any) -> Any:
    """The types of a value and all in it: True and 1 are equal, lists and tuples of theirs too."""
    if isinstance(value, list | tuple):
        return type(value), [shape(each) for each in value]
    if isinstance(value, dict):
        return dict, [(type(key), shape(each)) for key, each in value.items()]
    return type(value)


def test_the_usual_form_keeps_every_container() -> None:
    assert both_ways()[:1] != b"\xc1"
    empty = STRUCT(mem=bytearray(), dims=[])
    assert CODEC.decode(CODEC.encode(empty)) == empty


@pytest.mark.parametrize(
    "values",
    [
        {"n": BIG},
        {"n": -BIG},
        {"n": 1 << 64},
        {"n": -(1 << 63) - 1},
        {"maybe": BIG},
        {"list": [1, BIG, -BIG]},
        {"by_number": {5: (1, BIG)}},
        {"n": BIG, "text": None, "maybe": None, "flag": None},
    ],
    ids=str,
)
def test_integers_of_any_size_take_the_second_form(values: dict[str, Any]) -> None:
    assert both_ways(**values)[:1] == b"\xc1"


@given(st.integers(), st.lists(st.integers(min_value=-(1 << 200), max_value=1 << 200), max_size=5))
def test_any_integer_comes_back(n: int, more: list[int]) -> None:
    both_ways(n=n, list=more)


@pytest.mark.parametrize("n", [(1 << 64) - 1, -(1 << 63), 0])
def test_what_64_bits_hold_stays_small(n: int) -> None:
    assert both_ways(n=n)[:1] != b"\xc1"


@pytest.mark.parametrize(
    "raw", [b"", b"\x93\x01", b"\xc1", b"\xc1\x93\x01\x02\x03", b"\xff", b"\xc1\xff", b"\xa5hello"]
)
def test_bytes_that_are_no_state_say_so(raw: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        CODEC.decode(raw)


def test_an_extension_that_is_no_integer_is_refused() -> None:
    assert integer(1, memoryview(b"\xff\x00")) == -256
    with pytest.raises(msgspec.ValidationError, match="extension 9"):
        integer(9, memoryview(b""))


def test_states_inside_structs_are_written_out() -> None:
    assert msgspec.msgpack.decode(encode_large([STRUCT(n=BIG)]), ext_hook=integer)[0][len(PERSON)] == BIG


# ---------------------------------------------------------------- bytes once written
WRITTEN = world(
    {
        "spend": "{sum: order_completed.total}",
        "orders_9d": "{count: order_completed, within: 9d}",
        "bought": "{set: order_completed.items.category}",
        "favourite": "{top: order_completed.items.category, half_life: 1d}",
        "latest": "{recent: order_completed.items.category, limit: 2}",
        "first_store": "{first: order_completed.store_id}",
    },
    rich="spend > 5",
    riga="profile.city == 'riga'",
)
VERSION_2 = bytes.fromhex(
    "dc001cc4010390cf4000000000000000cf40000000000000000090cf0000018bfe3ea403ab4575726f70652f5269676183a46369747993"
    "a472696761cf0000018bcfe5680000a5656d61696c93af616e6e406e65772e6578616d706c65cf0000018bcfe56801ce00100000a97469"
    "6d655f7a6f6e6593ab4575726f70652f52696761cf0000018bcfe568000081a5656d61696c9193b0616e6e4073686f702e6578616d706c"
    "65cf0000018bcfe568000081af656d61696c2e6d61726b6574696e6793c3cf0000018bcfe56802ce002000009194a5656d61696cc0cf00"
    "00018bcfe56804ce00400000c40082a46361747392cf0000018bcfe56803ce00300000a4646f677392cf0000018bcfe56803ce00300001"
    "a46361747382a46361747393cb3ffe6600f5ece3e3cb3ffe6600f5ece3e3cd4cdba4646f677393cb3ffe6600f5ece3e3cb3ffe6600f5ec"
    "e3e3cd4cdba27331cf0000018bcfe56803ce0030000092a463617473a4646f677392cf0000018bcfe56803cf0000018bcfe5680392ce00"
    "300000ce0030000191cf0000018bcfe5680300ce006acfc0cf0000018bcfe56800cf0000018bcfe56803a472696761"
)
VERSION_2_LARGE = bytes.fromhex(
    "c1dc001cc4010390cf4000000000000000cf40000000000000000090cf0000018bfe3ea403ab4575726f70652f526967619392a4636974"
    "7993a472696761cf0000018bcfe568000092a5656d61696c93af616e6e406e65772e6578616d706c65cf0000018bcfe56801ce00100000"
    "92a974696d655f7a6f6e6593ab4575726f70652f52696761cf0000018bcfe56800009192a5656d61696c9193b0616e6e4073686f702e65"
    "78616d706c65cf0000018bcfe56800009192af656d61696c2e6d61726b6574696e6793c3cf0000018bcfe56802ce002000009194a5656d"
    "61696cc0cf0000018bcfe56804ce00400000c4009292a46361747392cf0000018bcfe56803ce0030000092a4646f677392cf0000018bcf"
    "e56803ce00300001a4636174739292a46361747393cb3ffe6600f5ece3e3cb3ffe6600f5ece3e3cd4cdb92a4646f677393cb3ffe6600f5"
    "ece3e3cb3ffe6600f5ece3e3cd4cdba27331cf0000018bcfe56803ce0030000092a463617473a4646f677392cf0000018bcfe56803cf00"
    "00018bcfe5680392ce00300000ce0030000191cf0000018bcfe5680300c709013635c9adc5de90bdc0cf0000018bcfe56800cf0000018b"
    "cfe56803a472696761"
)


def written(total: int = 7) -> Life:
    """The customer whose state was kept."""
    life = Life(WRITTEN).event("profile_updated", START, city="riga", email="ann@shop.example", time_zone="Europe/Riga")
    life.event("profile_updated", START + 1, email="ann@new.example")
    life.event("consent_changed", START + 2, channel="email", purpose="marketing", granted=True)
    items = [{"sku": "s", "category": "cats"}, {"sku": "s", "category": "dogs"}]
    life.order(START + 3, total, store_id="s1", items=items)
    life.event("message_bounced", START + 4, message_id="m", channel="email", kind="hard")
    return life


@pytest.mark.parametrize(("raw", "total"), [(VERSION_2, 7), (VERSION_2_LARGE, 999_999_999_999_999)])
def test_what_version_2_wrote_is_read(raw: bytes, total: int) -> None:
    """While the fold version stands, its bytes do: a change of them needs a new one."""
    assert FOLD_VERSION == 2
    codec = Life(WRITTEN).program.codec
    life = written(total)
    assert codec.decode(raw) == life.state
    assert codec.encode(life.state) == raw
