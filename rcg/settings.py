"""Every setting of RCG, typed, with its default and what it does.

Read from, later wins: ``config/rcg.default.toml`` (in git), ``config/rcg.toml`` (the user's), environment ``RCG_*``
(nested with two underscores: ``RCG_SERVER__PORT``; the data folder also as ``RCG_DATA_DIR``), command-line flags.
Unknown keys are errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rcg import paths


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Section):
    """Where the server listens."""

    host: str = Field("0.0.0.0", description="address to bind; 127.0.0.1 keeps RCG to this computer")  # noqa: S104
    port: int = Field(8443, ge=0, le=65535)
    names: tuple[str, ...] = Field((), description="further host names this server is reached by")


class ValkeySettings(Section):
    """The job dispatcher: embedded by default."""

    url: str | None = Field(None, description="external server, e.g. valkey://127.0.0.1:6379/0; empty: embedded")
    password: SecretStr | None = None


class DatabaseSettings(Section):
    """The database."""

    url: str | None = Field(None, description="SQLAlchemy URL; empty: SQLite in the data folder")


class WorkerSettings(Section):
    """Where and how many jobs compute."""

    isolation: Literal["auto", "thread", "child"] = "auto"
    cpu_slots: int = Field(1, ge=1, le=64)
    threads: int = Field(0, ge=0, le=256, description="compute threads per job; 0: cores minus one, at least one")
    nice: int = Field(10, ge=0, le=19)
    stall_s: float = Field(600, gt=0, description="a child that reports nothing for so long is taken for hung")


class LimitSettings(Section):
    """Bounds on what comes in."""

    image_mb: int = Field(200, ge=1, description="one uploaded image, megabytes")
    image_megapixels: int = Field(120, ge=1, description="one decoded image")
    frames_per_capture: int = Field(64, ge=1)
    min_free_disk_mb: int = Field(500, ge=0, description="below this, uploads and jobs are refused")


class Settings(BaseSettings):
    """All settings. Paths are absolute after loading."""

    model_config = SettingsConfigDict(
        env_prefix="RCG_", env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True,
    )

    data_dir: Path = Path("data")
    log_dir: Path = Path("logs")
    certs_dir: Path = Path("certs")
    server: ServerSettings = ServerSettings()
    valkey: ValkeySettings = ValkeySettings()
    database: DatabaseSettings = DatabaseSettings()
    workers: WorkerSettings = WorkerSettings()
    limits: LimitSettings = LimitSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, environment, the user's file, the default file."""
        config = paths.home() / "config"
        files = [config / "rcg.default.toml", config / "rcg.toml"]
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=files)

    def model_post_init(self, _context: object, /) -> None:
        """Make the folders absolute, relative ones from the installation's folder."""
        for name in ("data_dir", "log_dir", "certs_dir"):
            folder: Path = getattr(self, name)
            object.__setattr__(self, name, (paths.home() / folder.expanduser()).resolve())
