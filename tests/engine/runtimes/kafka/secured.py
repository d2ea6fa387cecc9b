"""A broker that takes clients by user, password and certificate over TLS only, with certificates of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.kafka.cluster import Cluster, running

USER, PASSWORD = "strand", "corr3ct-horse"
STORE_PASSWORD = "st0re-secret"
KEY_PASSWORD = "k3y-secret"
TO_PEM = Path(__file__).parent / "Pem.java"


@dataclass(frozen=True, slots=True)
class Secured:
    """A running cluster, the authority that its certificate is checked against, and a client's key for a certificate
    that is the same."""

    cluster: Cluster
    ca_file: Path
    key_file: Path


@contextmanager
def secured(folder: Path) -> Iterator[Secured]:
    """SASL/PLAIN over TLS; the certificate is its own authority, names localhost only, and is the clients' as well."""
    store, ca_file, key_file = folder / "broker.p12", folder / "ca.pem", folder / "client.key"
    key = ["-alias", "broker", "-storetype", "PKCS12", "-keystore", str(store), "-storepass", STORE_PASSWORD]
    named = ["-dname", "CN=localhost", "-ext", "san=dns:localhost,ip:127.0.0.1", "-validity", "2"]
    authority = ["-ext", "bc:critical=ca:true", "-ext", "ku:critical=digitalSignature,keyCertSign"]
    keytool("-genkeypair", *key, *named, *authority, "-keyalg", "EC", "-groupname", "secp256r1")
    keytool("-exportcert", *key, "-rfc", "-file", str(ca_file))
    to_pem = ["java", str(TO_PEM), str(store), STORE_PASSWORD, KEY_PASSWORD]
    key_file.write_bytes(subprocess.run(to_pem, check=True, capture_output=True).stdout)
    trusted = ["-keystore", str(folder / "trusted.p12"), "-storetype", "PKCS12", "-storepass", STORE_PASSWORD]
    keytool("-importcert", *trusted, "-alias", "client", "-file", str(ca_file))
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    properties = {
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config": f'{login} user_{USER}="{PASSWORD}";',
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(store),
        "ssl.keystore.password": STORE_PASSWORD,
        "ssl.truststore.type": "PKCS12",
        "ssl.truststore.location": str(folder / "trusted.p12"),
        "ssl.truststore.password": STORE_PASSWORD,
        "listener.name.client.ssl.client.auth": "required",
    }
    with running(folder / "cluster", properties=properties, client_protocol="SASL_SSL") as cluster:
        yield Secured(cluster, ca_file, key_file)


def keytool(*arguments: str) -> None:
    """Run Java's keytool."""
    subprocess.run(["keytool", "-noprompt", *arguments], check=True, capture_output=True)
