"""From settings to the keyword arguments of every client of Kafka: the one place that knows passwords.

aiokafka's and kafka-python's clients take the same ones. Faust's app takes
`faust.SASLCredentials(username=..., password=..., mechanism=..., ssl_context=...)`, made of the same.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Any

from typing_extensions import override

from engine.runtimes.kafka.connection import Connection
from engine.workspace.kafka_settings import SECRETS, Kafka
from engine.workspace.missing import ANOTHER, no_workspace
from engine.workspace.settings import FILE, Settings, load_settings
from events.errors import CalledWrongly, OperatorError

# What these write at debug level are requests as they go over the wire, passwords and all.
_SHOW_WHAT_IS_SENT = ("kafka.net.connection", "kafka.protocol.parser", "aiokafka.conn")


class Password(str):
    """Text that is not shown: clients write their whole configuration into debug logs."""

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return "'********'"

    @override
    def __str__(self) -> str:
        return "********"

    @override
    def __format__(self, _spec: str) -> str:
        return "********"


def connect(folder: Path) -> tuple[Settings, Connection]:
    """The settings of the workspace in a folder, and how its clients connect.

    Raises CalledWrongly where its log is embedded, OperatorError for settings that cannot be used.
    """
    if not (folder / FILE).is_file():
        raise no_workspace(folder)
    settings = load_settings(folder)
    if settings.embedded:
        raise CalledWrongly(
            f"the log of {folder} is embedded: this command is for one on Kafka",
            f'write `log = "kafka://host:9092"` into strand.toml, or {ANOTHER}',
        )
    return settings, connection_of(settings, folder)


def connection_of(settings: Settings, folder: Path) -> Connection:
    """How to reach the cluster that the settings name; files are relative to `folder`."""
    options = client_options(settings.kafka, folder)
    return Connection(
        bootstrap=",".join(settings.brokers),
        prefix=settings.kafka.prefix,
        security=options,
        admin=options,
        transitions=settings.kafka.transitions,
    )


def client_options(kafka: Kafka, folder: Path) -> dict[str, Any]:
    """Keyword arguments of any client, of aiokafka and of kafka-python; raises OperatorError for unusable files."""
    options: dict[str, Any] = {"security_protocol": kafka.security_protocol}
    if kafka.uses_tls:
        options["ssl_context"] = tls_context(kafka, folder)
    if kafka.uses_sasl:
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = Password(kafka.sasl_password.get_secret_value())
        for name in _SHOW_WHAT_IS_SENT:
            logging.getLogger(name).addFilter(_is_no_debug_line)
    return options


def tls_context(kafka: Kafka, folder: Path) -> ssl.SSLContext:
    """What checks the brokers' certificates and names, and holds the client's own if it has one."""
    authorities = None if kafka.ca_file is None else folder / kafka.ca_file
    try:
        context = ssl.create_default_context(cafile=authorities)
    except (OSError, ssl.SSLError) as error:
        raise OperatorError(f"kafka.ca_file {authorities} cannot be used: {error}", "mend strand.toml") from error
    if kafka.certificate_file is not None and kafka.key_file is not None:
        # An empty password, since None would have the library ask at the terminal.
        secret = kafka.key_password.get_secret_value
        try:
            context.load_cert_chain(folder / kafka.certificate_file, folder / kafka.key_file, secret)
        except (OSError, ssl.SSLError) as error:
            what = f"kafka.certificate_file and kafka.key_file cannot be used: {error}"
            raise OperatorError(what, f"mend strand.toml, or set {SECRETS['key_password']}") from error
    return context


def _is_no_debug_line(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG
