"""The partition of a customer is that of Kafka's Java client."""

from __future__ import annotations

import pytest

from events.partitioning import murmur2, partition_of


# From the tests of the Java client.
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_that_of_the_java_client(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected % 2**32


def test_partitions() -> None:
    # -973932308 & 0x7fffffff = 1173551340
    assert partition_of("21", 7) == 1173551340 % 7
    assert partition_of("anna\u0161ka\U0001f408", 1) == 0
    spread = [partition_of(f"h{number}", 4) for number in range(4000)]
    assert all(900 < spread.count(partition) < 1100 for partition in range(4))
