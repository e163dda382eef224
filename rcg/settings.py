"""Every setting of RCG, typed, with its default and what it does.

Read from, later wins: ``config/rcg.default.toml`` (in git), ``config/rcg.toml`` (the user's), environment
``RCG_*`` (nested with two underscores: ``RCG_SERVER__PORT``; the data folder is ``RCG_DATA_DIR``), flags.
Unknown keys are errors; :func:`rcg.settings_sources.load` says where they stand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rcg import paths


def _empty_is_none(value: Any) -> Any:
    """TOML has no null: an empty text stands for "not set"."""
    return None if value == "" else value


OptionalText = Annotated[str | None, BeforeValidator(_empty_is_none)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_empty_is_none)]


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Section):
    """Where the server listens."""

    host: str = Field("0.0.0.0", description="address to bind; 127.0.0.1 keeps RCG to this computer")  # noqa: S104
    port: int = Field(8443, ge=0, le=65535, description="the one HTTPS port; 0: any free one")
    names: tuple[str, ...] = Field((), description="further host names this server is reached by")
    onboarding_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="a plain HTTP page that gives out the public CA certificate alone; 0: none",
    )


class ValkeySettings(Section):
    """The job dispatcher: embedded by default."""

    url: OptionalText = Field(None, description="external server: valkey://127.0.0.1:6379/0; empty: embedded")
    password: OptionalSecret = Field(
        None, description="of an external server; better in RCG_VALKEY__PASSWORD"
    )


class DatabaseSettings(Section):
    """The database."""

    url: OptionalText = Field(None, description="SQLAlchemy URL; empty: SQLite in the data folder")


class WorkerSettings(Section):
    """Where and how many jobs compute."""

    isolation: Literal["auto", "thread", "child"] = Field(
        "auto", description="where jobs compute; auto: in the server on CUDA, else in a child process"
    )
    cpu_slots: int = Field(1, ge=1, le=64, description="jobs that compute at the same time on the CPU")
    train_slots: int = Field(1, ge=1, le=16, description="trainings that run at the same time; others queue")
    threads: int = Field(
        0, ge=0, le=256, description="compute threads per job; 0: cores minus one, a training all of them"
    )
    nice: int = Field(10, ge=0, le=19, description="how far a child gives way: 0 not, 19 always")
    stall_s: float = Field(600, gt=0, description="a child silent for so many seconds is taken for hung")


class LimitSettings(Section):
    """Bounds on what comes in."""

    image_mb: int = Field(200, ge=1, description="one uploaded image, megabytes")
    image_megapixels: int = Field(120, ge=1, description="one decoded image")
    archive_mb: int = Field(
        10_000, ge=1, description="one upload of images, labels or an archive into a dataset, megabytes"
    )
    weights_mb: int = Field(
        2_000, ge=1, description="one file of weights to begin a training with, megabytes"
    )
    frames_per_capture: int = Field(64, ge=1, description="lights of one capture")
    min_free_disk_mb: int = Field(500, ge=0, description="below this, uploads and jobs are refused")


class CaptureSettings(Section):
    """Where frames may come from beside the phone."""

    watch_folders: tuple[Path, ...] = Field(
        (), description="folders that a tethered camera's program fills; incoming/ of the data folder is one"
    )


class Settings(BaseSettings):
    """All settings. Paths are absolute after loading."""

    model_config = SettingsConfigDict(
        env_prefix="RCG_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        env_ignore_empty=True,
    )

    data_dir: Path = Field(Path("data"), description="database, photographs, results")
    log_dir: Path = Field(Path("logs"), description="rcg.log and its older parts")
    certs_dir: Path = Field(Path("certs"), description="certificate authority and server certificate")
    server: ServerSettings = ServerSettings()
    valkey: ValkeySettings = ValkeySettings()
    database: DatabaseSettings = DatabaseSettings()
    workers: WorkerSettings = WorkerSettings()
    limits: LimitSettings = LimitSettings()
    capture: CaptureSettings = CaptureSettings()

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
