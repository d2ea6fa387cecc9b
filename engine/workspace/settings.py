"""What `strand.toml` says, typed; each setting can also come from the environment: STRAND_PARTITIONS=8."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.workspace.kafka_settings import SECRETS, Kafka
from engine.workspace.log_url import EMBEDDED, brokers_of, check_log_url
from events.errors import CalledWrongly, OperatorError
from events.nearest import did_you_mean

FILE = "strand.toml"


class Delivery(BaseModel, extra="forbid", frozen=True):
    """Where messages go: `outbox` is a folder, relative to the workspace; '' writes none."""

    outbox: str = "outbox"


class Settings(BaseSettings):
    """A workspace's settings; the environment wins over the file."""

    model_config = SettingsConfigDict(
        env_prefix="STRAND_", env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    log: Annotated[str, AfterValidator(check_log_url)] = EMBEDDED
    partitions: int = Field(default=4, ge=1, le=256)
    delivery: Delivery = Delivery()
    kafka: Kafka = Kafka()

    @property
    def embedded(self) -> bool:
        """Whether the log is in the workspace itself."""
        return self.log == EMBEDDED

    @property
    def brokers(self) -> list[str]:
        """host:port of each broker that the log url names; none of an embedded log."""
        return [] if self.embedded else brokers_of(self.log)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the signature is pydantic-settings' own
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what the file says; no other file."""
        return env_settings, init_settings


def load_settings(folder: Path) -> Settings:
    """The settings of the workspace in `folder`; raises OperatorError, naming every fault, if they cannot be used."""
    path = folder / FILE
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} is not TOML: {error}", f"mend {path}") from error
    _refuse_secrets(path, written)
    return _checked(written, str(path), f"mend {path}, or the variable of that name that begins with STRAND_")


def settings_of_url(url: str) -> Settings:
    """The settings of a system without a workspace: this log, the rest from the environment.

    Raises CalledWrongly for another url, OperatorError for variables that cannot be used.
    """
    try:
        check_log_url(url)
    except ValueError as error:
        raise CalledWrongly(f"the log url {error}") from None
    settings = _checked({}, "environment", "mend the variable of that name that begins with STRAND_")
    return settings.model_copy(update={"log": url})


def _checked(written: dict[str, Any], place: str, action: str) -> Settings:
    try:
        return Settings(**written)
    except ValidationError as error:
        faults = "\n".join(
            f"{place}: {'.'.join(map(str, fault['loc']))}: {_sentence(fault['type'], fault['msg'], fault['loc'])}"
            for fault in error.errors(include_url=False, include_context=False)
        )
        raise OperatorError(faults, action) from error


def _refuse_secrets(path: Path, written: dict[str, Any]) -> None:
    """Raise OperatorError for a secret in the file, in capitals too: files are copied, committed and shown."""
    tables = [table for title, table in written.items() if title.lower() == "kafka" and isinstance(table, dict)]
    found = {key.lower() for table in tables for key in table}
    for name, variable in SECRETS.items():
        if name in found:
            what = f"{path}: kafka.{name}: a secret must not stand in a file"
            raise OperatorError(what, f"delete the line and set {variable}; if others may have read it, change it")


def _sentence(kind: str, message: str, place: tuple[int | str, ...]) -> str:
    if kind == "model_type":
        return f"must be a table, written as [{place[-1]}] on a line of its own"
    if kind != "extra_forbidden":
        words = message.removeprefix("Value error, ")
        return words[:1].lower() + words[1:]
    known = _TABLES.get(str(place[0]), Settings).model_fields if len(place) > 1 else Settings.model_fields
    return "no setting is called that" + did_you_mean(str(place[-1]), known)


_TABLES: dict[str, type[BaseModel]] = {"delivery": Delivery, "kafka": Kafka}
