"""The settings: their order, their file, and the sentences about what is wrong with them."""

from pathlib import Path

import pytest

from rcg.settings import Settings
from rcg.settings_file import default_toml
from rcg.settings_places import line_of, names, values
from rcg.settings_sources import SettingsError, load

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An installation's folder with the default file, and an environment without settings."""
    import os

    for name in list(os.environ):
        if name.startswith("RCG_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "config/rcg.default.toml").write_text(default_toml())
    return tmp_path


def write(home: Path, text: str) -> Path:
    file = home / "config/rcg.toml"
    file.write_text(text)
    return file


def test_the_default_file_in_git_is_the_one_the_model_writes():
    assert (CHECKOUT / "config/rcg.default.toml").read_text() == default_toml()


def test_the_default_file_holds_the_models_defaults(home, monkeypatch):
    with_file = load()
    (home / "config/rcg.default.toml").unlink()
    assert load() == with_file
    assert with_file.server.port == 8443
    assert with_file.valkey.url is None  # an empty text in the file stands for "not set"


def test_each_source_overrides_the_one_before(home, monkeypatch):
    write(home, "[server]\nport = 1001\nhost = '127.0.0.1'\n")
    assert load().server.port == 1001
    monkeypatch.setenv("RCG_SERVER__PORT", "1002")
    assert load().server.port == 1002
    settings = load(server__port=1003, data_dir=None)
    assert (settings.server.port, settings.server.host) == (1003, "127.0.0.1")


def test_folders_are_resolved_from_the_installation_not_the_current_folder(home, monkeypatch, tmp_path):
    monkeypatch.chdir("/")
    assert load().data_dir == home.resolve() / "data"
    monkeypatch.setenv("RCG_DATA_DIR", "elsewhere")
    assert load().data_dir == home.resolve() / "elsewhere"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nhost=''\nprot=1\n", "line 3: unknown setting 'server.prot'; did you mean 'server.port'?"),
        ("[serve]\nport = 1\n", "rcg.toml, line 1: unknown setting 'serve'"),
        ("port = 1\n", "rcg.toml, line 1: unknown setting 'port'; did you mean 'server.port'?"),
        ("\n[server]\nport = 99999\n", "line 3: server.port = 99999: input should be less than or equal"),
        ("server.port = 'many'\n", "rcg.toml, line 1: server.port = 'many': input should be a valid integer"),
        ("[server]\nport = \n", "rcg.toml, line 2: this is not valid TOML: Invalid value"),
        ("[server\n", "rcg.toml, line 1: this is not valid TOML"),
        ("server = 3\n", "rcg.toml, line 1: server = 3"),
        ("[workers]\nisolation = 'both'\n", "rcg.toml, line 2: workers.isolation = 'both'"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_line_and_key(home, text, said):
    write(home, text)
    with pytest.raises(SettingsError) as caught:
        load()
    assert said in caught.value.detail
    assert "rcg config check" in caught.value.hint


def test_every_problem_is_named_at_once(home, monkeypatch):
    write(home, "prot = 1\n[limits]\nimage_mbs = 3\n")
    monkeypatch.setenv("RCG_SERVER__PROT", "1")
    with pytest.raises(SettingsError) as caught:
        load()
    assert len(caught.value.data["problems"]) == 3
    assert "RCG_SERVER__PROT is not a setting; did you mean 'RCG_SERVER__PORT'?" in caught.value.detail


def test_the_environment_is_named_for_its_own_mistake(home, monkeypatch):
    write(home, "[server]\nport = 1\n")
    monkeypatch.setenv("RCG_SERVER__PORT", "x")
    with pytest.raises(SettingsError, match=r"Environment variable RCG_SERVER__PORT: server.port = 'x'"):
        load()


def test_a_flag_is_named_for_its_own_mistake(home):
    with pytest.raises(SettingsError, match=r"Flag --port: server.port = -1"):
        load(server__port=-1)


def test_show_names_sources_and_hides_secrets(home, monkeypatch):
    file = write(home, "# mine\n[valkey]\nurl = 'valkey://me:secret@host:6379/0'\n")
    monkeypatch.setenv("RCG_VALKEY__PASSWORD", "secret")
    shown = {value.name: value for value in values(load())}
    assert shown["valkey.url"].source == f"{file}, line 3"
    assert shown["valkey.password"].source == "environment RCG_VALKEY__PASSWORD"
    assert shown["server.port"].source == "default"
    assert "secret" not in "".join(value.text for value in shown.values())
    assert list(shown) == names()


def test_the_line_of_a_dotted_and_of_an_inline_key(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text("# a\nserver.port = 1\nvalkey = { url = 'x' }\n\n[limits]\nimage_mb=1\n")
    assert line_of(file, ("server", "port")) == 2
    assert line_of(file, ("valkey", "url")) == 3
    assert line_of(file, ("limits", "image_mb")) == 6


def test_settings_cannot_be_changed_after_loading(home):
    settings: Settings = load()
    with pytest.raises(ValueError, match="frozen"):
        settings.server.port = 1
