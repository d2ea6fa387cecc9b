"""The `[kafka]` table of `strand.toml`: how to reach the cluster that the log url names.

Secrets come from the environment only: STRAND_KAFKA__SASL_PASSWORD and STRAND_KAFKA__KEY_PASSWORD.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

SECRETS = {"sasl_password": "STRAND_KAFKA__SASL_PASSWORD", "key_password": "STRAND_KAFKA__KEY_PASSWORD"}

_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,150}", re.ASCII)


class Kafka(BaseModel, extra="forbid", frozen=True, hide_input_in_errors=True):
    """Settings of every client of the cluster; files are relative to the workspace.

    `prefix` stands before the name of each topic. `replication` is how many brokers hold each record; all but one of
    them acknowledge it before it counts. `transitions` is what workers announce of memberships that changed.
    With TLS the brokers' certificates are checked against `ca_file`, or against the machine's own authorities;
    `certificate_file` and `key_file` are a client's own.
    """

    prefix: str = ""
    replication: int = Field(default=3, ge=1, le=9)
    transitions: Literal["none", "plain", "evidence"] = "plain"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr = SecretStr("")

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    @property
    def uses_sasl(self) -> bool:
        """Whether clients say who they are by user and password."""
        return self.security_protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    @field_validator("prefix")
    @classmethod
    def _can_begin_a_topic(cls, prefix: str) -> str:
        if not _PREFIX.fullmatch(prefix):
            raise ValueError("a topic's name has letters, digits, '.', '_' and '-' only, and the prefix at most 150")
        return prefix

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.uses_sasl and not self.sasl_username:
            raise ValueError(f"security_protocol {self.security_protocol} needs sasl_username")
        if self.uses_sasl and not self.sasl_password.get_secret_value():
            raise ValueError(
                f"security_protocol {self.security_protocol} needs a password in {SECRETS['sasl_password']}"
            )
        if not self.uses_sasl and self.sasl_username:
            raise ValueError("sasl_username needs security_protocol SASL_SSL or SASL_PLAINTEXT")
        if not self.uses_tls and (self.ca_file or self.certificate_file or self.key_file):
            raise ValueError("ca_file, certificate_file and key_file need security_protocol SSL or SASL_SSL")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file must be given together")
        return self
