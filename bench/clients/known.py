"""The clients that can be driven: where they come from, and how they are made to use the script."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@dataclass(frozen=True)
class Client:
    name: str
    package: str
    configure: Callable[[Path, str], None]
    """Writes what it needs into a home folder, for a model at an address."""
    variables: Callable[[Path, str], Mapping[str, str]]
    arguments: tuple[str, ...]
    """Before the prompt."""
    resume: tuple[str, ...]
    """Takes the place of `arguments` to go on with the session."""
    joint: bool = False
    """Runs the calls of one reply at the same time."""
    resumes: bool = True
    """Can go on with a session and a prompt; else the second turn is a session of its own."""
    tells_prompts: bool = True
    """Its hooks tell what was asked."""
    commits: bool = False
    """Puts objects with the time in them into the repository: no two sessions leave the same ones."""


def _claude(home: Path, url: str) -> None:
    _put(home / ".claude.json", json.dumps({"hasCompletedOnboarding": True}))


def _codex(home: Path, url: str) -> None:
    lines = (
        'model = "gpt-5.5"',  # a model that the client knows is given its tool for patches
        'model_provider = "scripted"',
        'approval_policy = "never"',
        'sandbox_mode = "danger-full-access"',
        "[model_providers.scripted]",
        'name = "Scripted"',
        f'base_url = "{url}/v1"',
        'env_key = "DUMMY_KEY"',
        'wire_api = "responses"',
    )
    _put(home / ".codex/config.toml", "\n".join(lines) + "\n")


def _gemini(home: Path, url: str) -> None:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"enableAutoUpdate": False},
        "privacy": {"usageStatisticsEnabled": False},
    }
    _put(home / ".gemini/settings.json", json.dumps(settings))


def _qwen(home: Path, url: str) -> None:
    settings = {
        "security": {"auth": {"selectedType": "openai"}},
        "privacy": {"usageStatisticsEnabled": False},
    }
    _put(home / ".qwen/settings.json", json.dumps(settings))


def _opencode(home: Path, url: str) -> None:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{url}/v1", "apiKey": "dummy"},
        "models": {"scripted": {"limit": {"context": 100_000, "output": 8_000}}},
    }
    document = {
        "provider": {"scripted": provider},
        "model": "scripted/scripted",
        "small_model": "scripted/scripted",
        "permission": "allow",
        "autoupdate": False,
        "share": "disabled",
    }
    _put(home / ".config/opencode/opencode.json", json.dumps(document))
    # It fetches its plugin types by npm, which waits for a network for more than a minute.
    _put(home / ".npmrc", "fetch-retries=0\nfetch-timeout=500\n")


def _pi(home: Path, url: str) -> None:
    model = {"id": "scripted", "input": ["text"], "contextWindow": 100_000, "maxTokens": 8_000}
    model["cost"] = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}
    provider = {"baseUrl": f"{url}/v1", "api": "openai-completions", "apiKey": "dummy"}
    document = {"providers": {"scripted": {**provider, "models": [model]}}}
    _put(home / ".pi/agent/models.json", json.dumps(document))


def _cline(home: Path, url: str) -> None:
    settings = {"provider": "openai-compatible", "apiKey": "dummy", "model": "scripted"}
    provider = {
        "settings": {**settings, "baseUrl": f"{url}/v1"},
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "tokenSource": "manual",
    }
    document = {
        "version": 1,
        "lastUsedProvider": "openai-compatible",
        "modes": {},
        "providers": {"openai-compatible": provider},
    }
    _put(home / ".cline/data/settings/providers.json", json.dumps(document))


_CLAUDE = ("--permission-mode", "acceptEdits", "--allowedTools", "Bash,Write,Edit,Read", "-p")
_CODEX = ("--json", "--dangerously-bypass-hook-trust")
_PI = ("--provider", "scripted", "--model", "scripted")

CLIENTS = {
    client.name: client
    for client in (
        Client(
            "claude", "@anthropic-ai/claude-code", _claude,
            lambda home, url: {
                "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "dummy",
                "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            },
            _CLAUDE, ("--continue", *_CLAUDE),
        ),
        Client(
            "codex", "@openai/codex", _codex,
            lambda home, url: {"CODEX_HOME": str(home / ".codex"), "DUMMY_KEY": "dummy"},
            ("exec", *_CODEX), ("exec", "resume", "--last", *_CODEX),
        ),
        Client(
            "gemini", "@google/gemini-cli", _gemini,
            lambda home, url: {
                "GEMINI_API_KEY": "dummy", "GOOGLE_GEMINI_BASE_URL": url,
                "GEMINI_CLI_TRUST_WORKSPACE": "true",
            },
            ("-m", "gemini-2.5-pro", "--yolo", "-p"),
            ("-m", "gemini-2.5-pro", "--yolo", "--resume", "latest", "-p"),
        ),
        Client(
            "opencode", "opencode-ai", _opencode,
            lambda home, url: {
                "OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1",
                "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            },
            ("run",), ("run", "--continue"), joint=True,
        ),
        Client(
            "pi", "@earendil-works/pi-coding-agent", _pi,
            lambda home, url: {"PI_OFFLINE": "1", "PI_SKIP_VERSION_CHECK": "1"},
            (*_PI, "-p"), (*_PI, "--continue", "-p"), joint=True,
        ),
        Client(
            "qwen", "@qwen-code/qwen-code", _qwen,
            lambda home, url: {
                "OPENAI_API_KEY": "dummy", "OPENAI_BASE_URL": f"{url}/v1",
                "OPENAI_MODEL": "scripted",
            },
            ("--yolo", "-p"), ("--yolo", "--continue", "-p"),
        ),
        Client(
            "cline", "cline", _cline, lambda home, url: {"CLINE_NO_AUTO_UPDATE": "1"},
            ("--json", "--auto-approve", "true"), ("--json", "--auto-approve", "true"),
            resumes=False, tells_prompts=False, commits=True,
        ),
    )
}  # fmt: skip
