"""`make kafka-up`, `make kafka-down`: a cluster that outlives this command, or none where KAFKA_BOOTSTRAP names one.

    python -m deploy.kafka up [--nodes 3] | down [--wipe] | fetch | pin

Topics are in `data/` here, the broker's jars in `libs/`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from deploy.kafka.cluster import Cluster, archive_classes, brokers_at, fixed_ports
from deploy.kafka.jars import HERE, class_path, pin
from engine.workspace.log_url import KAFKA, brokers_of
from events.errors import OperatorError

FOLDER = HERE / "data"
ELSEWHERE = "KAFKA_BOOTSTRAP"


def main() -> int:
    """Run one command; 0 if it did what it says, 1 with an `Operator action:` if not."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up_ = commands.add_parser("up", help="start the cluster and wait until it answers")
    up_.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    down_ = commands.add_parser("down", help="stop it; its topics stay")
    down_.add_argument("--wipe", action="store_true", help="delete its topics too")
    commands.add_parser("fetch", help="fetch and verify the broker's jars")
    commands.add_parser("pin", help="write checksums.sha256 from what pom.xml names now")
    asked = parser.parse_args()
    try:
        if asked.command == "up":
            up(asked.nodes)
        elif asked.command == "down":
            down(wipe=asked.wipe)
        elif asked.command == "fetch":
            print(f"{len(class_path().split(':'))} jars are there, each as checksums.sha256 pins it")
        else:
            print(f"pinned {pin()} jars")
    except OperatorError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def up(nodes: int) -> None:
    """Start what does not run yet; the number of nodes of a cluster that has topics stays."""
    elsewhere = os.environ.get(ELSEWHERE)
    if elsewhere:
        try:
            brokers_of(KAFKA + elsewhere)
        except ValueError:
            what = f"{ELSEWHERE} must be host:port, or several with commas between; found {elsewhere}"
            raise OperatorError(what, f"mend or unset {ELSEWHERE}") from None
        brokers = brokers_at(elsewhere)
        if not brokers:
            raise OperatorError(f"no broker answers at {elsewhere}", f"see to that cluster, or unset {ELSEWHERE}")
        print(f"{ELSEWHERE} names {elsewhere}, where {brokers} answer; nothing was started")
        return
    there = _nodes_there()
    if there and there != nodes:
        raise OperatorError(
            f"{FOLDER} is that of a cluster with {there} nodes, not {nodes}",
            "start it with as many, or make it anew after `python -m deploy.kafka down --wipe`",
        )
    archive_classes()
    cluster = _cluster(nodes)
    cluster.start(outlives=True)
    print(f"Kafka answers at {cluster.bootstrap}; `make kafka-down` stops it")


def down(*, wipe: bool) -> None:
    """Stop the cluster that `up` started."""
    if os.environ.get(ELSEWHERE):
        print(f"{ELSEWHERE} names another cluster; nothing was stopped")
        return
    there = _nodes_there()
    if there:
        _cluster(there).stop()
    if wipe:
        shutil.rmtree(FOLDER, ignore_errors=True)
    print("Kafka is stopped" + ("; its topics are gone" if wipe else "; its topics stay") if there else "none ran")


def _cluster(nodes: int) -> Cluster:
    return Cluster(FOLDER, nodes=nodes, ports=fixed_ports(nodes))


def _nodes_there() -> int:
    return len(list(FOLDER.glob("node*/server.properties")))


if __name__ == "__main__":
    sys.exit(main())
