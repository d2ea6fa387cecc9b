"""A Kafka cluster of one node or a few on this machine (KRaft, no containers), for development and for tests:

    with running(tmp_path, nodes=3) as cluster:
        ...                          # clients connect to cluster.bootstrap
        cluster.nodes[1].kill()
        cluster.nodes[1].start()
        cluster.wait_ready()

The admin client is imported when a cluster is waited for: it takes half a second.
"""

from __future__ import annotations

import base64
import fcntl
import random
import shutil
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.kafka.jars import ARCHIVE, HERE
from deploy.kafka.node import JAVA_OPTIONS, Node, Ports, waited
from events.errors import OperatorError

HOST = "127.0.0.1"
READY_S = 60.0
FIRST_PORT = 9092
# Below what kernels hand out to outgoing connections, so that a port stays free while its node is down.
_TEST_PORTS = range(20_000, 30_000)


class Cluster:
    """Nodes that belong together; nothing runs before `start`.

    `bootstrap` is what clients connect to. `properties` are added to each node's, `client_protocol` is that of the
    listener for clients (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL: then the properties say with which keys and users);
    nodes speak plainly with each other. A folder keeps its topics from one cluster to the next.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 1,
        ports: Sequence[Ports] | None = None,
        properties: Mapping[str, str] | None = None,
        client_protocol: str = "PLAINTEXT",
        java_options: tuple[str, ...] = JAVA_OPTIONS,
    ) -> None:
        self.folder = folder
        self.client_protocol = client_protocol
        self._properties = dict(properties or {})
        chosen = free_ports(nodes) if ports is None else ports[:nodes]
        self.nodes = [
            Node(id, folder / f"node{id}", each, java_options=java_options) for id, each in enumerate(chosen, 1)
        ]

    @property
    def bootstrap(self) -> str:
        """host:port of every node, for clients."""
        return ",".join(f"{HOST}:{node.ports.client}" for node in self.nodes)

    def start(self, *, outlives: bool = False) -> None:
        """Start every node that does not run and return when all answer; raises OperatorError with their last words."""
        identity = self._identity()
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda node: node.write(self._configuration(node, identity)), self.nodes))
        for node in self.nodes:
            if node.pid is None:
                node.start(outlives=outlives)
        self.wait_ready()

    def stop(self) -> None:
        """Stop every node cleanly."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(Node.stop, self.nodes))

    def kill(self) -> None:
        """SIGKILL for every node."""
        for node in self.nodes:
            node.kill()

    def wait_ready(self, nodes: int | None = None, timeout_s: float = READY_S) -> None:
        """Return when `nodes` of them (default: all) answer an admin client and see as many brokers.

        Raises OperatorError, with the nodes' last words, if that does not happen in time or fewer are running.
        """
        wanted = len(self.nodes) if nodes is None else nodes
        waiting = list(self.nodes)

        def ready() -> bool:
            dead = [node for node in self.nodes if node.pid is None]
            if len(self.nodes) - len(dead) < wanted:
                words = "\n".join(f"node {node.id}: {node.last_words()}" for node in dead)
                raise OperatorError(f"a broker ended while it was waited for\n{words}", f"look into {self.folder}")
            waiting[:] = [node for node in waiting if brokers_at(f"{HOST}:{node.ports.internal}") < wanted]
            return len(self.nodes) - len(waiting) >= wanted

        if not waited(ready, timeout_s):
            words = "\n".join(f"node {node.id}: {node.last_words()}" for node in self.nodes)
            what = f"the brokers do not answer after {timeout_s:.0f} s"
            raise OperatorError(f"{what}\n{words}", f"look into {self.folder}")

    def _identity(self) -> str:
        """The cluster's id: that of a node's folder, else a new one."""
        for node in self.nodes:
            written = node.folder / "data" / "meta.properties"
            if written.exists():
                lines = written.read_text(encoding="utf-8").splitlines()
                return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))
        return "s" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]

    def _configuration(self, node: Node, identity: str) -> dict[str, str]:
        count, ports = len(self.nodes), node.ports
        copies = min(3, count)
        listeners = f"CLIENT://{HOST}:{ports.client},INTERNAL://{HOST}:{ports.internal}"
        protocols = f"CLIENT:{self.client_protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
        return {
            "cluster.id": identity,
            "process.roles": "broker,controller",
            "node.id": str(node.id),
            "controller.quorum.voters": ",".join(f"{each.id}@{HOST}:{each.ports.controller}" for each in self.nodes),
            "listeners": f"{listeners},CONTROLLER://{HOST}:{ports.controller}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": protocols,
            "inter.broker.listener.name": "INTERNAL",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(node.folder / "data"),
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": str(copies),
            "transaction.state.log.num.partitions": "2",
            "transaction.state.log.replication.factor": str(copies),
            "transaction.state.log.min.isr": str(max(1, copies - 1)),
            "share.coordinator.state.topic.replication.factor": str(copies),
            "share.coordinator.state.topic.min.isr": str(max(1, copies - 1)),
            # A node that was killed comes back only when its session is over.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.cleaner.dedupe.buffer.size": str(16 << 20),
            **self._properties,
        }


def archive_classes() -> None:
    """Have Java write down what a broker's classes are once loaded, by one that is started and stopped for that.

    Done once after the jars were fetched; an archive that Java does not take (of another version) is passed over by it.
    """
    with (HERE / ".archiving").open("w") as lock, TemporaryDirectory() as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes ask at the same time
        if ARCHIVE.exists():
            return
        made = Path(folder) / ARCHIVE.name
        cluster = Cluster(Path(folder), java_options=(*JAVA_OPTIONS, f"-XX:ArchiveClassesAtExit={made}"))
        try:
            cluster.start()
            cluster.stop()
        finally:
            cluster.kill()
        if made.exists():
            draft = ARCHIVE.with_suffix(".draft")
            shutil.copy(made, draft)
            draft.replace(ARCHIVE)


@contextmanager
def running(
    folder: Path,
    *,
    nodes: int = 1,
    properties: Mapping[str, str] | None = None,
    client_protocol: str = "PLAINTEXT",
    java_options: tuple[str, ...] = JAVA_OPTIONS,
) -> Iterator[Cluster]:
    """A cluster on free ports that answers; at the end it is killed, for nobody needs its disk any more."""
    cluster = Cluster(
        folder, nodes=nodes, properties=properties, client_protocol=client_protocol, java_options=java_options
    )
    archive_classes()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()


def brokers_at(bootstrap: str) -> int:
    """How many brokers a plain cluster says it has; 0 if it does not answer."""
    listening = [address for address in bootstrap.split(",") if _listens(address)]
    if not listening:
        return 0  # an admin client would wait longer than the broker needs
    from kafka.admin import KafkaAdminClient  # noqa: PLC0415 -- it takes half a second
    from kafka.errors import KafkaError  # noqa: PLC0415 -- as above

    try:
        with KafkaAdminClient(bootstrap_servers=listening, bootstrap_timeout_ms=2_000) as admin:
            return len(admin.describe_cluster()["brokers"])
    except KafkaError:
        return 0


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(1)
        try:
            return probe.connect_ex((host, int(port))) == 0
        except socket.gaierror:  # nobody knows the host
            return False


def fixed_ports(nodes: int) -> list[Ports]:
    """The ports of `make kafka-up`: 9092 for a first client, and what follows."""
    return [Ports(FIRST_PORT + id, FIRST_PORT + 10 + id, FIRST_PORT + 20 + id) for id in range(nodes)]


def free_ports(nodes: int) -> list[Ports]:
    """Ports that nobody listens on now."""
    found: list[int] = []
    drawn = random.SystemRandom()
    while len(found) < 3 * nodes:
        port = drawn.choice(_TEST_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return [Ports(*found[3 * id : 3 * id + 3]) for id in range(nodes)]
