"""Topics of a test's own on the shared broker, and an embedded workspace's facts written to them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.ports import Log
from engine.runtimes.kafka.applying import announce
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.producing import Outgoing
from engine.runtimes.kafka.topics import create_topics
from engine.workspace.workspace import Workspace
from events.codec import Activation, activation_of, encode_activation, head_of, read_record
from events.envelope import RULEBOOK_ACTIVATED

READ_AT_ONCE = 10_000


def make_topics(bootstrap: str, prefix: str, partitions: int, *, replication: int = 1) -> Connection:
    """New topics whose names begin with `prefix`."""
    connection = Connection(bootstrap=bootstrap, prefix=prefix)
    create_topics(connection, partitions=partitions, replication=replication)
    return connection


def records_of(log: Log) -> list[bytes]:
    """All there are; one read gives fewer where they are large."""
    found: list[bytes] = []
    while part := log.read(len(found), READ_AT_ONCE):
        found += part
    return found


async def append_all(clients: Clients, partition: int, values: Iterable[bytes]) -> None:
    """Append records as the embedded log has them, keyed and timed as publishers do."""
    heads = [(head_of(value), value) for value in values]
    records = [Outgoing(head.customer_id.encode() or None, value, head.appended_at_ms) for head, value in heads]
    await clients.append_all(clients.connection.topic(INTERACTIONS), partition, records)


async def publish_facts(connection: Connection, folder: Path) -> None:
    """Write an embedded workspace's log to the topics, record for record, its activations numbered."""
    clients = Clients(connection)
    await clients.start()
    try:
        known: dict[str, Activation] = {}
        with Workspace.open(folder, owner=False) as workspace:
            for facts in workspace.facts:
                values = []
                for value in records_of(facts.log):
                    head = head_of(value)
                    if head.type == RULEBOOK_ACTIVATED:
                        activation = activation_of(read_record(value)[0])
                        if activation.id not in known:
                            known[activation.id] = await announce(clients, activation)
                        value = encode_activation(known[activation.id], head.appended_at_ms)
                    values.append(value)
                await append_all(clients, facts.partition, values)
    finally:
        await clients.stop()


def write_settings(folder: Path, bootstrap: str, prefix: str, *, partitions: int) -> None:
    """Say in a folder's strand.toml that its log is on a cluster."""
    kafka = f'[kafka]\nprefix = "{prefix}"\nreplication = 1\n'
    (folder / "strand.toml").write_text(f'log = "kafka://{bootstrap}"\npartitions = {partitions}\n{kafka}')
