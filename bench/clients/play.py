"""One project in one home folder, and a client at work in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

from known import Client
from model import Edit, Reply, Shell, Write, serving

OLD = 1_577_836_800
TIMEOUT_S = 240
GREET = "def greet(name):\n    return 'hello ' + name\n"
FIRST = "Write a greeting, and tidy up."
SECOND = "Take the output away and say what is new."
TURNS: tuple[tuple[Reply, ...], ...] = (
    (
        (Write("greet.py", GREET),),
        (Edit("greet.py", "    return 'hello ' + name", "    return f'hello {name}'"),),
        (Shell("mkdir -p out && seq 9 > out/nine.txt && mv old.txt kept.txt && rm gone.txt"),),
        (Shell("echo '# late' >> greet.py; echo no good >&2; exit 3"),),
        (),
    ),
    (
        (Shell("rm -r out"),),
        (Write("NEWS", "the output is gone\n"), Shell("echo built > build.log")),
        (),
    ),
)
EXPECTED = (
    (1, "greet.py"),
    (1, "greet.py"),
    (1, "gone.txt kept.txt out/nine.txt"),
    (1, "greet.py"),
    (2, "out/nine.txt"),
    (2, "NEWS"),
    (2, ""),  # the log is ignored
)
"""Turn and files of each call's step."""
FILES = {
    ".gitignore": "*.log\n",
    "old.txt": "to be renamed\n" * 5,
    "gone.txt": "to be removed\n",
}
LEFT, RIGHT = "Fill the left file.", "Fill the right file."
SCRIPTS: dict[str, tuple[Reply, ...]] = {
    FIRST: tuple(reply for turn in TURNS for reply in turn),
    SECOND: TURNS[1],  # of a client that cannot go on with the first session
    LEFT: ((Write("left.txt", "left\n"),), (Shell("echo more >> left.txt"),), ()),
    RIGHT: ((Write("right.txt", "right\n"),), (Shell("echo more >> right.txt"),), ()),
}
WRITTEN_BY_INSTALL = (".claude/settings.local.json",)
"""Files of the project that hooks are put into."""
ROOM = "8m"
"""Size of a disk that is about to be full."""
HOOK = (Path(__file__).resolve().parents[2] / "store/agents/hook.py").as_posix().encode()


class Play:
    """A folder with a home and a repository, for one client; use as a context manager."""

    def __init__(self, folder: Path, client: Client, program: Path) -> None:
        self.client = client
        self.home = folder / "home"
        self.repo = folder / "repo"
        self.data = self.home / ".local/share/stepwell"
        self.log = folder / "client.log"
        self._program = program
        self._open = ExitStack()
        self.home.mkdir(parents=True)
        shutil.copytree(folder.parent / "template", self.repo)

    def __enter__(self) -> Self:
        self.url = self._open.enter_context(serving(SCRIPTS, self.repo))
        self.client.configure(self.home, self.url)
        return self

    def __exit__(self, *raised: object) -> None:
        with self._open:
            self._end_helpers()
            if self.data.exists():
                self.stepwell("daemon", "stop")

    def _end_helpers(self) -> None:
        """Ends what a client has left running for this project, by its id."""
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes()
                if b"--cline-hub-daemon" in words and str(self.repo).encode() in words:
                    os.kill(int(folder.name), signal.SIGTERM)

    def stepwell(self, *arguments: str) -> str:
        """Runs one of our commands and returns what it printed."""
        found = self._run([str(Path(sys.executable).parent / "stepwell"), *arguments])
        if found.returncode:
            raise RuntimeError(f"stepwell {' '.join(arguments)}: {found.stdout}")
        return found.stdout

    def install(self) -> None:
        """Puts the project under care and the hooks in place."""
        self.stepwell("init")
        self.stepwell("install", self.client.name)
        # Some hooks are configured in the project.
        self.stepwell("capture", "-m", "hooks installed")

    def forget_stepwell(self) -> None:
        """Makes the hooks lead nowhere, as when Stepwell was removed after `install`."""
        self.stepwell("daemon", "stop")
        shutil.rmtree(self.data)
        changed = 0
        for path in (*self.home.glob(".*/**/*"), *self.repo.glob(".*/*")):
            if path.is_file() and HOOK in (content := path.read_bytes()):
                gone = content.replace(HOOK, b"/nowhere/hook.py")
                path.write_bytes(gone.replace(sys.executable.encode(), b"/nowhere/python"))
                changed += 1
        if not changed:
            raise RuntimeError("no hook of ours was found")

    def on_a_small_disk(self) -> None:
        """Gives the data folder a disk of its own, until this play is over."""
        self.data.mkdir(parents=True)
        data = str(self.data)
        run_checked("mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=0700", "tmpfs", data)
        self._open.callback(run_checked, "umount", "--lazy", data)

    def fill_the_disk(self) -> Path:
        """Makes the data folder's disk full; returns the file that takes its room."""
        self.stepwell("daemon", "stop")
        filler = self.data / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        return filler

    def freeze_the_daemon(self) -> int:
        """Stops the daemon in its tracks; returns its process id."""
        self.stepwell("daemon", "start")
        pid = int(json.loads(self.stepwell("status", "--json"))["daemon"]["pid"])
        os.kill(pid, signal.SIGSTOP)
        return pid

    def steps(self) -> list[dict[str, Any]]:
        """Returns the steps, oldest first, each with its texts and its diff."""
        rows = json.loads(self.stepwell("log", "--json"))["steps"]
        return [json.loads(self.stepwell("show", row["id"], "--json")) for row in reversed(rows)]

    def turn(self, prompt: str, *, resume: bool = False) -> float:
        """Has the client answer one prompt; returns the seconds that it took.

        Raises:
            RuntimeError: it failed.
        """
        started = time.monotonic()
        arguments = self.client.resume if resume else self.client.arguments
        found = self._run([str(self._program), *arguments, prompt])
        took = time.monotonic() - started
        with self.log.open("a") as log:
            log.write(found.stdout)
        if found.returncode:
            raise RuntimeError(f"{self.client.name} ended with {found.returncode}: see {self.log}")
        return took

    def version(self) -> str:
        """Returns what the client's package says of its version."""
        packages = self._program.parents[1]
        return str(
            json.loads((packages / self.client.package / "package.json").read_text())["version"]
        )

    def environment(self) -> dict[str, str]:
        """Returns the variables of everything that runs here."""
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        own = {"HOME": str(self.home), "TERM": "dumb", "LANG": "C.UTF-8", "NO_COLOR": "1"}
        return {**kept, **own, **self.client.variables(self.home, self.url)}

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.repo,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
        )

    def digest(self) -> dict[str, str]:
        """Returns what each file of the project holds, in `.git` too, and its mode."""
        found: dict[str, str] = {}
        own = ".git/objects/" if self.client.commits else None
        for path in sorted(self.repo.rglob("*")):
            name = str(path.relative_to(self.repo))
            if own and name.startswith(own):
                found[own] = str(int(found.get(own, "0")) + path.is_file())
            elif path.is_file() and name not in WRITTEN_BY_INSTALL:
                mode = f"{path.stat().st_mode:o}"
                found[name] = f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        return found


def run_checked(*words: str) -> None:
    subprocess.run(words, check=True)


def make_template(folder: Path) -> None:
    """Makes the repository that every run begins with, to the byte.

    Its files are old and git is to compare size and second only, so that no client's own `git
    status` finds a reason to write the index anew.
    """
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
        os.utime(folder / name, (OLD, OLD))
    for words in (
        "init --quiet --initial-branch main",
        "config core.checkStat minimal",
        "config core.trustctime false",
        "add --all",
        "-c user.name=x -c user.email=x@invalid commit --quiet --message start",
    ):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
