"""Messages leave the topic of decisions once, whatever else stands there and whenever the process dies."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from engine.outputs import encode_batch, mark
from engine.runtimes.kafka import beside
from engine.runtimes.kafka.applying import tick
from engine.runtimes.kafka.beside import Rounds, run_until_told
from engine.runtimes.kafka.claims import Claim, Owned, encode
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import DECISIONS, Connection, look
from engine.runtimes.kafka.outbox import CURSOR, KafkaOutbox
from engine.runtimes.kafka.pages import rendered
from engine.runtimes.kafka.until_idle import run_until_idle
from events.errors import FactsDamaged, OperatorError, WorkspaceBusy
from tests.engine.delivery.test_mail import sent
from tests.engine.runtimes.kafka.clusters import make_topics, publish_facts
from tests.engine.runtimes.kafka.test_until_idle import embedded
from tests.engine.runtimes.shop import outbox as files_of
from tests.engine.runtimes.shop import python
from triggers.decisions import OWN, Output

ANN = Claim(release="1", fold_version=1, worker="ann")


def box(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".eml", ".txt"}}


def deliver(connection: Connection, folder: Path) -> int:
    """One round of a process of its own."""

    async def once() -> int:
        clients = Clients(connection)
        await clients.start()
        try:
            outbox = KafkaOutbox(clients, look(connection), folder)
            try:
                return await outbox.round()
            finally:
                outbox.close()
        finally:
            await clients.stop()

    return asyncio.run(once())


def append(connection: Connection, *values: bytes) -> list[int]:
    """Append to the first partition of the decisions."""

    async def appending() -> list[int]:
        clients = Clients(connection)
        await clients.start()
        try:
            return [await clients.append(connection.topic(DECISIONS), 0, value) for value in values]
        finally:
            await clients.stop()

    return asyncio.run(appending())


def batch(claim: int, *offsets: int, of: str = "") -> bytes:
    """A batch with a message at each offset."""
    outputs = []
    for offset in offsets:
        decision = sent(message_id=f"{of}{offset}", rulebook="")
        outputs += [Output((offset, OWN, "ann"), [decision]), mark(offset)]
    return encode(Owned(claim=claim, batch=encode_batch(outputs)))


def test_the_same_messages_as_embedded_and_each_once(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    embedded(tmp_path / "shop")
    expected = files_of(tmp_path / "shop")
    connection = make_topics(bootstrap, prefix, 4)

    async def decide() -> None:
        await publish_facts(connection, tmp_path / "shop")
        await tick(connection)
        await run_until_idle(connection, tmp_path / "w", name="w")

    asyncio.run(decide())
    assert deliver(connection, tmp_path / "out") == len(expected) > 20
    assert box(tmp_path / "out") == expected
    for path in (tmp_path / "out").glob("*.eml"):
        path.unlink()  # sent by somebody
    asyncio.run(run_until_idle(connection, tmp_path / "again", name="again"))  # claims everything once more
    assert deliver(connection, tmp_path / "out") == 0
    assert box(tmp_path / "out") == {}


def test_what_readers_drop_is_not_sent(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    append(connection, encode(ANN), batch(0, 1), encode(ANN), batch(0, 2, of="superseded"), batch(2, 2))
    assert deliver(connection, tmp_path) == 2
    append(
        connection, batch(0, 3, of="superseded"), batch(2, 1, 2, of="below"), batch(2, 2, 3), batch(2, 3, of="again")
    )
    assert deliver(connection, tmp_path) == 1
    assert set(box(tmp_path)) == {"1.eml", "2.eml", "3.eml"}


def test_its_figures_tell_what_it_dropped_and_how_far_it_is(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    append(connection, encode(ANN), batch(0, 1), encode(ANN), batch(0, 2, 3, of="superseded"), batch(2, 2))
    append(connection, batch(2, 1, 2, of="below"), batch(2, 2, 3))
    now_ms = [1_000]

    async def watched() -> tuple[str, str]:
        clients = Clients(connection)
        await clients.start()
        outbox = KafkaOutbox(clients, look(connection), tmp_path, clock=lambda: now_ms[0])
        try:
            assert await outbox.round() == 3
            caught_up = rendered([outbox]).decode()
            await clients.append(connection.topic(DECISIONS), 0, b"what no worker writes")
            now_ms[0] += 5_000
            with pytest.raises(FactsDamaged):
                await outbox.round()
            return caught_up, rendered([outbox]).decode()
        finally:
            outbox.close()
            await clients.stop()

    caught_up, stuck = asyncio.run(watched())
    for figures, lag, behind in ((caught_up, 0, 0), (stuck, 1, 5)):
        assert "strand_outbox_messages_total 3.0\n" in figures
        assert "strand_outbox_dropped_total 5.0\n" in figures
        assert 'strand_outbox_offset{partition="0"} 7.0\n' in figures
        assert f'strand_outbox_lag_records{{partition="0"}} {lag}.0\n' in figures
        assert f'strand_outbox_lag_seconds{{partition="0"}} {behind}.0\n' in figures


SCRIPT = """
import sys
from pathlib import Path
from engine.runtimes.kafka.connection import Connection
from tests.engine.runtimes.kafka.test_outbox import deliver
deliver(Connection(bootstrap=sys.argv[1], prefix=sys.argv[2]), Path(sys.argv[3]))
"""


@pytest.mark.parametrize(
    ("kill_at", "left"),
    [("after-outbox-rename:2", 3), ("before-outbox-place", 3), ("after-outbox-place", 0)],
)
def test_a_death_loses_no_message_and_doubles_none(
    tmp_path: Path, bootstrap: str, prefix: str, kill_at: str, left: int
) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    append(connection, encode(ANN), batch(0, 1), batch(0, 2), batch(0, 3))
    died = python(SCRIPT, bootstrap, prefix, tmp_path / "out", kill_at=kill_at)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert deliver(connection, tmp_path / "out") == left
    assert set(box(tmp_path / "out")) == {"1.eml", "2.eml", "3.eml"}


def test_one_process_owns_the_folder(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    held = KafkaOutbox(Clients(connection), look(connection), tmp_path)
    with pytest.raises(WorkspaceBusy):
        deliver(connection, tmp_path)
    held.close()
    assert deliver(connection, tmp_path) == 0


def test_a_cursor_that_tells_nothing_is_for_a_person(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    append(connection, encode(ANN), batch(0, 1))
    deliver(connection, tmp_path)
    with pytest.raises(OperatorError, match="another topic"):
        deliver(make_topics(bootstrap, prefix + "other.", 1), tmp_path)
    (tmp_path / CURSOR).write_bytes(b"{")
    with pytest.raises(OperatorError, match="remove"):
        deliver(connection, tmp_path)
    (tmp_path / CURSOR).unlink()
    assert deliver(connection, tmp_path) == 1


def test_rounds_end_with_the_error_that_ended_them() -> None:
    async def refuses() -> int:
        raise OperatorError("the disk is full", "free some space")

    with pytest.raises(OperatorError, match="full"):
        asyncio.run(run_until_told(refuses, pause_s=0))


def test_rounds_that_brokers_cut_short_are_told_of_until_one_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "AGAIN_S", 0)

    said: list[list[str]] = []

    async def five_rounds() -> None:
        over = asyncio.Event()

        async def once() -> int:
            said.append(rounds.unready())
            if len(said) in {2, 3}:
                raise KafkaConnectionError("nobody answers")
            if len(said) == 5:
                over.set()
            return 0

        rounds = Rounds(once, pause_s=0)
        await rounds.start()
        await over.wait()
        await rounds.stop()

    asyncio.run(five_rounds())
    refused = ["the brokers refuse or do not answer: KafkaConnectionError('nobody answers')"]
    assert said[:5] == [["the first round goes on"], [], refused, refused, []]
