"""What the process's surroundings say. Nothing else of the library reads the environment.

Front doors call these functions and pass the answers on; the library takes them as arguments.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.store.engine.scan import CaptureConfig

NAME = "stepwell"


def default_home() -> Path:
    """Returns the data folder: STEPWELL_HOME, else the platform's user data folder + `stepwell`.

    The path is absolute; it need not exist.
    """
    if chosen := os.environ.get("STEPWELL_HOME"):
        return Path(chosen).expanduser().absolute()
    # Costs 20 ms, and hooks and tests set the variable.
    import platformdirs

    return Path(platformdirs.user_data_dir(NAME, appauthor=False))


def default_config() -> Path:
    """Returns the config file: STEPWELL_CONFIG, else `config.toml` in the user's config folder."""
    if chosen := os.environ.get("STEPWELL_CONFIG"):
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_config_dir(NAME, appauthor=False)) / "config.toml"


def default_capture() -> CaptureConfig:
    """Returns how a person's own commands capture: with their ignore file for all repositories.

    Unasked checkpoints are made unless `[rules]` has `mode = "off"`, or cannot be read.
    """
    from stepwell.store.engine.scan import CaptureConfig

    return CaptureConfig(global_ignore=default_ignore_file(), checkpoints=_wants_checkpoints())


def _wants_checkpoints() -> bool:
    config = default_config()
    if not os.path.exists(config):
        return True
    from stepwell.store.model.errors import UsageError
    from stepwell.store.settings import read_table

    try:
        return read_table(config, "rules").get("mode") != "off"
    except UsageError:
        # Whoever needs the settings says so; a capture does not fail for them.
        return False


def default_ignore_file() -> Path:
    """Returns where git keeps a user's own ignore rules when no config names another file."""
    base = os.environ.get("XDG_CONFIG_HOME")
    folder = Path(base) if base else Path(os.path.expanduser("~/.config"))
    return folder / "git" / "ignore"


def user_folder() -> Path:
    """Returns the user's home folder, which nobody means to capture whole."""
    return Path(os.path.expanduser("~"))


def user_name() -> str:
    """Returns the name that the process's user goes by; empty when the system knows none."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""


def local_now() -> datetime:
    """Returns the present moment in the person's time zone."""
    return datetime.now().astimezone()


def process_environment() -> dict[str, str]:
    """Returns the process's whole environment, for commands that are started on a user's behalf."""
    return dict(os.environ)


def may_colour() -> bool:
    """Tells whether the user leaves colours on (NO_COLOR, TERM=dumb)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_debugging() -> bool:
    """Tells whether unexpected failures are to be shown with their traceback."""
    return bool(os.environ.get("STEPWELL_DEBUG"))


def runtime_folder() -> Path:
    """Returns the folder for sockets: XDG_RUNTIME_DIR when it is there, else that for temporary files."""
    chosen = os.environ.get("XDG_RUNTIME_DIR")
    if chosen and os.path.isdir(chosen):
        return Path(chosen)
    import tempfile

    return Path(tempfile.gettempdir())


def agent_folder(agent: str) -> Path:
    """Returns where an agent keeps its own configuration, by its variable or its usual place."""
    variable, usual = _AGENT_FOLDERS[agent]
    if variable and (chosen := os.environ.get(variable)):
        found = Path(chosen).expanduser().absolute()
        return found / agent if variable == "XDG_CONFIG_HOME" else found
    return user_folder() / usual


def session_folder(agent: str) -> Path:
    """Returns where an agent keeps the records of its sessions."""
    if agent != "opencode":
        return agent_folder(agent)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else user_folder() / ".local/share") / agent


_AGENT_FOLDERS = {
    "claude": ("CLAUDE_CONFIG_DIR", ".claude"),
    "opencode": ("XDG_CONFIG_HOME", ".config/opencode"),
    "codex": ("CODEX_HOME", ".codex"),
    "gemini": ("", ".gemini"),
    "qwen": ("", ".qwen"),
    "pi": ("PI_CODING_AGENT_DIR", ".pi/agent"),
    "cline": ("", ".cline"),
    "cursor": ("", ".cursor"),
    "goose": ("", ".agents"),
}


def search_path() -> str:
    """Returns the folders in which programs are looked for."""
    return os.environ.get("PATH", os.defpath)
