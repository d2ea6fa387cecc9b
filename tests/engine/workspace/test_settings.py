"""What strand.toml may say, and how a fault in it is told."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from engine.workspace.settings import load_settings
from events.errors import OperatorError


def written(folder: Path, text: str) -> Path:
    (folder / "strand.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_empty_file_means_four_partitions_and_an_outbox(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, ""))
    assert (settings.log, settings.partitions, settings.delivery.outbox) == ("embedded:", 4, "outbox")


def test_the_file_decides_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path, 'partitions = 2\n[delivery]\noutbox = ""\n')
    assert (load_settings(folder).partitions, load_settings(folder).delivery.outbox) == (2, "")
    monkeypatch.setenv("STRAND_PARTITIONS", "7")
    monkeypatch.setenv("STRAND_DELIVERY__OUTBOX", "letters")
    monkeypatch.setenv("STRAND_KILL_AT", "mid-swap:1")  # no setting, though it begins alike
    assert (load_settings(folder).partitions, load_settings(folder).delivery.outbox) == (7, "letters")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("partitons = 4", r"strand.toml: partitons: no setting is called that; did you mean 'partitions'\?"),
        ("[delivery]\nfolder = 'x'", r"strand.toml: delivery.folder: no setting is called that"),
        ("partitions = 0", r"strand.toml: partitions: input should be greater than or equal to 1"),
        ("kafka = 3", r"strand.toml: kafka: must be a table, written as \[kafka\] on a line of its own"),
        ("partitions = 'many'", r"strand.toml: partitions: input should be a valid integer"),
        ("log = 'carrier-pigeon:'", r"strand.toml: log: must be 'embedded:' or 'kafka://host:9092,host2:9092'"),
        ("log = 'kafka://'", r"strand.toml: log: must be "),
        ("log = 'kafka://host'", r"strand.toml: log: must be "),
        ("log = 'kafka://host:99999'", r"strand.toml: log: must be "),
        ("[kafka]\nsasl_user = 'x'", r"kafka.sasl_user: no setting is called that; did you mean 'sasl_username'\?"),
        ("[kafka]\nprefix = 'a b'", r"strand.toml: kafka.prefix: a topic's name has letters"),
        ("[kafka]\nsecurity_protocol = 'TLS'", r"kafka.security_protocol: input should be 'PLAINTEXT', 'SSL'"),
        ("[kafka]\nsasl_username = 'ann'", r"kafka: sasl_username needs security_protocol SASL_SSL or"),
        ("[kafka]\nca_file = 'ca.pem'", r"kafka: ca_file, certificate_file and key_file need security_protocol SSL"),
        ("[kafka]\nsecurity_protocol = 'SASL_SSL'", r"kafka: security_protocol SASL_SSL needs sasl_username"),
        ("partitions = ", r"strand.toml is not TOML: "),
    ],
)
def test_a_fault_is_named_with_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(OperatorError, match=told) as caught:
        load_settings(written(tmp_path, text))
    assert "Operator action: mend " in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"(?s)log: .*partitions: "):
        load_settings(written(tmp_path, "partitions = -1\nlog = 'x'"))


def test_a_kafka_url_names_brokers(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, "log = 'kafka://one:9092,10.0.0.2:9093,[::1]:9094'"))
    assert (settings.embedded, settings.brokers) == (False, ["one:9092", "10.0.0.2:9093", "[::1]:9094"])
    assert (settings.kafka.prefix, settings.kafka.replication) == ("", 3)


SECRET = "hush-hush"
WITH_USER = "[kafka]\nsecurity_protocol = 'SASL_SSL'\nsasl_username = 'ann'\n"


def test_a_password_comes_from_the_environment_and_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRAND_KAFKA__SASL_PASSWORD", SECRET)
    settings = load_settings(written(tmp_path, WITH_USER))
    assert settings.kafka.sasl_password.get_secret_value() == SECRET
    assert SECRET not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"[kafka]\nsasl_password = '{SECRET}'", r"kafka.sasl_password: a secret must not stand in a file"),
        (f"[Kafka]\nsasl_password = '{SECRET}'", r"kafka.sasl_password: a secret must not stand in a file"),
        (f"[kafka]\nkey_password = '{SECRET}'", r"set STRAND_KAFKA__KEY_PASSWORD"),
        (f"log = 'kafka://ann:{SECRET}@host:9092'", r"log: must be .*, without a user; .* STRAND_KAFKA__SASL_PASSWORD"),
        (f"log = '{SECRET}'", r"log: must be "),
        (WITH_USER, r"kafka: security_protocol SASL_SSL needs a password in STRAND_KAFKA__SASL_PASSWORD"),
        (f"{WITH_USER}sasl_passwort = '{SECRET}'", r"did you mean 'sasl_password'"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(OperatorError, match=told) as caught:
        load_settings(written(tmp_path, text))
    assert SECRET not in "".join(traceback.format_exception(caught.value))
