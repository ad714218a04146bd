"""What an installation may set: environment variables `ZHIJIAN_*`, then `zhijian.toml` in the working folder."""

import os
import tomllib
from pathlib import Path
from typing import Literal

import pydantic_settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

SETTINGS_FILE = Path("zhijian.toml")
# the recogniser decodes the windows of all recordings that are heard at a time together: the fuller its batches, the
# less a window costs (measured by tests/benchmarks/scaling.py)
JOBS = 4
PREFIX, CACHE_VARIABLE = "ZHIJIAN_", "ZHIJIAN_CACHE"


class SettingsError(ValueError):
    """A setting cannot be used; the message names it."""


class Hearing(BaseModel):
    """How recordings are heard. Folders name a user's own weights; None = the fetched ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    whisper: Path | None = None
    diarization: Path | None = None
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    compute_type: str = "int8"
    beam_size: int = Field(default=5, ge=1, le=20)
    threads: int = Field(default=0, ge=0, description="of the recogniser that the jobs share; 0 = one for each core")
    agent_channel: Literal["left", "right"] = "left"


class Review(BaseModel):
    """The review workbench. `sso_header` names the account of a request that comes from one of `trusted_proxies`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=0, le=65_535)
    secure_cookies: bool = False
    veto_by_two: bool = False
    appeal_days: int = Field(default=7, ge=1, le=365)
    sso_header: str | None = None
    trusted_proxies: tuple[str, ...] = ()


class Settings(BaseSettings):
    """All settings of an installation; unknown keys are refused."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, toml_file=SETTINGS_FILE
    )

    source: Path | None = None
    out: Path = Path("zhijian-out")
    database_url: str | None = None
    anchor: Path | None = None
    standard: Path | None = None
    jobs: int = Field(default=JOBS, ge=1, le=64)
    hearing: Hearing = Hearing()
    review: Review = Review()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings() -> Settings:
    """The settings of this installation. Raises SettingsError."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | {CACHE_VARIABLE}
    for name in os.environ:
        if name.startswith(PREFIX) and name.partition("__")[0] not in known:
            raise SettingsError(f"{name} is no setting; known are {', '.join(sorted(known))}")
    try:
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, pydantic_settings.SettingsError) as error:
        raise SettingsError(f"settings ({SETTINGS_FILE} or {PREFIX}*) cannot be read: {error}") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"settings ({SETTINGS_FILE} or ZHIJIAN_*): {problems}") from None


def threads_for(wanted: int) -> int:
    """Threads of the recogniser: as wanted, else one for each core."""
    return wanted or os.cpu_count() or 1
