"""What an installation may set: environment variables `ZHIJIAN_*`, then `zhijian.toml` in the working folder."""

import os
import tomllib
from pathlib import Path
from typing import Literal

import pydantic_settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
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
_EXPECTED = {  # by what the type of pydantic's error contains
    "int": "整数",
    "bool": "true 或 false",
    "path": "路径",
    "string": "文字(加引号)",
    "tuple": "列表",
    "model": "一组“键 = 值”",
}
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
            raise SettingsError(f"没有设置项 {name};可以是 {'、'.join(sorted(known))}")
    try:
        return Settings()
    except UnicodeDecodeError:
        raise SettingsError(f"{SETTINGS_FILE} 不是 UTF-8 编码,请另存为 UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{SETTINGS_FILE} 不是正确的 TOML({error}):请改正所指的行(line)和列(column);"
            "每行写作“键 = 值”,文字要加引号,同一个键只写一次"
        ) from None
    except pydantic_settings.SettingsError as error:
        raise SettingsError(f"环境变量无法读取({error});分组的设置写作 {PREFIX}HEARING__BEAM_SIZE 这样") from None
    except ValidationError as error:
        raise SettingsError(f"设置({SETTINGS_FILE} 或环境变量)有误:{';'.join(map(_advice, error.errors()))}") from None


def _advice(error: ErrorDetails) -> str:
    """What is wrong with a setting, and what it may be."""
    name, limits, kind = ".".join(map(str, error["loc"])), error.get("ctx", {}), error["type"]
    if kind == "extra_forbidden":
        return f"没有设置项 {name}"
    wrong = f"{name} 不能是 {error['input']!r}"
    if kind == "greater_than_equal":
        return f"{wrong},至少是 {limits['ge']}"
    if kind == "less_than_equal":
        return f"{wrong},最多是 {limits['le']}"
    if kind == "literal_error":
        return f"{wrong},可以是 {limits['expected'].replace(' or ', ', ')}"
    expected = next((word for part, word in _EXPECTED.items() if part in kind), None)
    return f"{wrong},应为 {expected}" if expected else f"{wrong}({error['msg']})"


def threads_for(wanted: int) -> int:
    """Threads of the recogniser: as wanted, else one for each core."""
    return wanted or os.cpu_count() or 1
