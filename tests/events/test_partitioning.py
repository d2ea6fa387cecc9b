"""The partition of a customer is that of Kafka's Java client."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from deploy.kafka.jars import class_path
from events.partitioning import murmur2, partition_of
from tests.brokers import need_a_broker

JAVA = Path(__file__).parent / "Partitions.java"


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


def customer_ids(count: int) -> list[str]:
    """Ids of every length and of all of Unicode, drawn the same each time; the first is empty."""
    drawn = random.Random(20)
    alphabets = [
        "0123456789",
        "abcdefghij-_.",
        "\u0101\u010d\u4e2d\U0001f408\x7f",
        "".join(map(chr, range(32, 0xD7FF, 97))),
    ]
    return [""] + ["".join(drawn.choices(drawn.choice(alphabets), k=drawn.randrange(1, 64))) for _ in range(count - 1)]


@pytest.mark.slow
def test_ten_thousand_keys_are_where_the_java_client_puts_them() -> None:
    need_a_broker()
    asked = [(name, 1 + number % 97) for number, name in enumerate(customer_ids(10_000))]
    lines = "".join(f"{partitions} {name.encode().hex()}\n" for name, partitions in asked)
    java = ["java", "-cp", class_path(), str(JAVA)]
    said = subprocess.run(java, input=lines, check=True, capture_output=True, text=True).stdout.splitlines()
    answers = [tuple(map(int, line.split())) for line in said]
    assert [(partition_of(name, partitions), murmur2(name.encode())) for name, partitions in asked] == [
        (partition, hashed % 2**32) for partition, hashed in answers
    ]
