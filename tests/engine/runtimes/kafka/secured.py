"""A broker that takes clients by user and password over TLS only, with a certificate made for the occasion."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.kafka.cluster import Cluster, running

USER, PASSWORD = "strand", "corr3ct-horse"
STORE_PASSWORD = "st0re-secret"


@dataclass(frozen=True, slots=True)
class Secured:
    """A running cluster, and the file with the authority that its certificate is checked against."""

    cluster: Cluster
    ca_file: Path


@contextmanager
def secured(folder: Path) -> Iterator[Secured]:
    """SASL/PLAIN over TLS; the certificate is its own authority and names localhost only."""
    store, ca_file = folder / "broker.p12", folder / "ca.pem"
    key = ["-alias", "broker", "-storetype", "PKCS12", "-keystore", str(store), "-storepass", STORE_PASSWORD]
    named = ["-dname", "CN=localhost", "-ext", "san=dns:localhost,ip:127.0.0.1", "-validity", "2"]
    authority = ["-ext", "bc:critical=ca:true", "-ext", "ku:critical=digitalSignature,keyCertSign"]
    keytool("-genkeypair", *key, *named, *authority, "-keyalg", "EC", "-groupname", "secp256r1")
    keytool("-exportcert", *key, "-rfc", "-file", str(ca_file))
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    properties = {
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config": f'{login} user_{USER}="{PASSWORD}";',
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(store),
        "ssl.keystore.password": STORE_PASSWORD,
    }
    with running(folder / "cluster", properties=properties, client_protocol="SASL_SSL") as cluster:
        yield Secured(cluster, ca_file)


def keytool(*arguments: str) -> None:
    """Run Java's keytool."""
    subprocess.run(["keytool", "-noprompt", *arguments], check=True, capture_output=True)
