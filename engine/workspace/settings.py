"""What `strand.toml` says, typed; each setting can also come from the environment: STRAND_PARTITIONS=8."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from events.errors import OperatorError
from events.nearest import did_you_mean

FILE = "strand.toml"


class Delivery(BaseModel, extra="forbid", frozen=True):
    """Where messages go: `outbox` is a folder, relative to the workspace; '' writes none."""

    outbox: str = "outbox"


class Settings(BaseSettings):
    """A workspace's settings; the environment wins over the file."""

    model_config = SettingsConfigDict(env_prefix="STRAND_", env_nested_delimiter="__", extra="forbid", frozen=True)

    log: Literal["embedded:"] = "embedded:"
    partitions: int = Field(default=4, ge=1, le=256)
    delivery: Delivery = Delivery()

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
    try:
        return Settings(**written)
    except ValidationError as error:
        faults = "\n".join(
            f"{path}: {'.'.join(map(str, fault['loc']))}: {_sentence(fault['type'], fault['msg'], fault['loc'])}"
            for fault in error.errors(include_url=False, include_context=False)
        )
        raise OperatorError(faults, f"mend {path}, or the variable of that name that begins with STRAND_") from error


def _sentence(kind: str, message: str, place: tuple[int | str, ...]) -> str:
    if kind != "extra_forbidden":
        return message[:1].lower() + message[1:]
    known = Delivery.model_fields if len(place) > 1 else Settings.model_fields
    return "no setting is called that" + did_you_mean(str(place[-1]), known)
