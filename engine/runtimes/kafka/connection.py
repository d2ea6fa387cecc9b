"""Which cluster, which topics: what every client of a worker is made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.runtimes.kafka.administration import administer
from events.errors import OperatorError

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

INTERACTIONS, DECISIONS, ACTIVATIONS = "interactions", "decisions", "activations"
TRANSITIONS = "transitions"
NEEDED = (INTERACTIONS, DECISIONS, TRANSITIONS, ACTIVATIONS)
NOTHING, EVIDENCE = "none", "evidence"
CREATE = "run `strand topics create`, then start again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`bootstrap` is host:port of some brokers, `prefix` stands before each topic's name.

    `security` are further settings of aiokafka's clients, `admin` those of the admin client. `transitions` says what
    workers announce of memberships that changed: none, plain, or with evidence.
    """

    bootstrap: str
    prefix: str = ""
    security: Mapping[str, Any] = field(default_factory=dict)
    admin: Mapping[str, Any] = field(default_factory=dict)
    transitions: Literal["none", "plain", "evidence"] = "plain"

    def topic(self, name: str) -> str:
        """A topic's name on the cluster."""
        return self.prefix + name

    @property
    def client(self) -> dict[str, Any]:
        """Settings of any aiokafka client."""
        return {"bootstrap_servers": self.bootstrap.split(","), **self.security}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the cluster says of itself: its id, each topic's id by our name for it, and the number of partitions."""

    cluster: str
    ids: Mapping[str, str]
    partitions: int


def look(connection: Connection, *others: str) -> Found:
    """Ask the cluster of the topics that are needed, and of `others` with as many partitions as the log.

    Raises OperatorError if it does not answer, lacks a topic, or has too few partitions of one.
    """
    asked = (*NEEDED, *others)
    cluster, (ids, counts) = administer(
        connection, lambda admin: (admin.describe_cluster(), ids_of(admin, connection, asked))
    )
    missing = [connection.topic(name) for name in asked if name not in ids]
    if missing:
        raise OperatorError(f"the cluster has no topic {', '.join(missing)}", CREATE)
    few = [name for name in (DECISIONS, TRANSITIONS, *others) if counts[name] < counts[INTERACTIONS]]
    if few:
        said = ", ".join(f"{connection.topic(name)} {count}" for name, count in counts.items())
        what = f"{connection.topic(few[0])} must have as many partitions as the log; found {said}"
        raise OperatorError(what, "`strand topics check` tells what to do; raise and delete nothing before")
    return Found(cluster=str(cluster["cluster_id"]), ids=ids, partitions=counts[INTERACTIONS])


def ids_of(
    admin: KafkaAdminClient, connection: Connection, asked: Sequence[str] = NEEDED
) -> tuple[dict[str, str], dict[str, int]]:
    """The id of each topic asked for that is there, and its number of partitions, by our name for it."""
    names = {connection.topic(name): name for name in asked}
    ids: dict[str, str] = {}
    counts: dict[str, int] = {}
    for topic in admin.describe_topics(list(names)):
        if not topic["error_code"]:
            name = names[topic["name"]]
            ids[name], counts[name] = str(topic["topic_id"]), len(topic["partitions"])
    return ids, counts
