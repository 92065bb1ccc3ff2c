"""What other tools do for a snapshot, replayed process by process with the same git.

The sequences are those of the tools' published sources. Starting the processes is timed, the
tools' own runtime (Node) is not, so that the real tools are slower than what is measured here.
git's automatic clean-up, which they leave on, is off: it would run behind other measurements.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from table import Stopped
from trees import clean_environment

PATHS_AT_ONCE = 100


class Rival:
    """A shadow repository of its own over one copy of the tree."""

    name = ""
    repeats = 1
    guests: tuple[()] = ()

    def __init__(self, root: Path, store: Path) -> None:
        self.root, self.store = root, store
        self._end = math.inf
        self._repository = ("--git-dir", str(store), "--work-tree", str(root))

    def prepare(self) -> None:
        """Makes the shadow repository."""
        self.run("init", "-q", environment=self._pinned())

    def capture(self) -> None:
        """Stores the tree as it is on disk."""
        raise NotImplementedError

    def token(self) -> str:
        """Returns what `restore` and `tree` take for the newest capture."""
        return self.git("rev-parse", "HEAD").strip()

    def restore(self, token: str, changed: list[str]) -> None:
        """Makes the disk as it was; `changed` are the paths that the tool knows to differ."""
        raise NotImplementedError

    def tree(self, token: str) -> str:
        """Returns the git tree id of what was stored."""
        return self.git("rev-parse", f"{token}^{{tree}}").strip()

    def heal(self) -> None:
        """Makes the shadow usable after a run that was stopped in the middle; not timed."""
        self.stop_after(math.inf)
        (self.store / "index.lock").unlink(missing_ok=True)
        self.git("add", "-A")

    def stop_after(self, patience_s: float) -> None:
        """Lets what comes next take that long from now; then it is stopped by `Stopped`."""
        self._end = time.perf_counter() + patience_s

    def close(self) -> None:
        shutil.rmtree(self.store, ignore_errors=True)

    def git(self, *words: str, stdin: str = "") -> str:
        return self.run(*self._repository, *words, stdin=stdin)

    def run(
        self,
        *words: str,
        stdin: str = "",
        environment: dict[str, str] | None = None,
        allowed: tuple[int, ...] = (0,),
    ) -> str:
        """Runs one git process in the tree and returns what it printed."""
        left = self._end - time.perf_counter()
        try:
            done = subprocess.run(
                ["git", *words],
                cwd=self.root,
                env=environment or clean_environment(),
                input=stdin.encode("utf-8", "surrogateescape"),
                capture_output=True,
                timeout=None if math.isinf(left) else max(left, 0.001),
            )
        except subprocess.TimeoutExpired:
            raise Stopped from None
        if done.returncode not in allowed:
            raise RuntimeError(f"git {words}: {done.returncode}: {done.stderr[-400:]!r}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def _pinned(self) -> dict[str, str]:
        pinned = {"GIT_DIR": str(self.store), "GIT_WORK_TREE": str(self.root)}
        return clean_environment() | pinned


class OpenCode(Rival):
    """OpenCode 1.x as of 2026: a shadow that begins with the project's own index and objects."""

    name = "OpenCode"
    whole_name = "OpenCode, whole"
    whole = False
    """Restore by its whole restore, which redo takes, instead of by its undo."""
    core = ("-c", "core.longpaths=true", "-c", "core.symlinks=true")
    settings = ("-c", "core.autocrlf=false", *core)
    unquoted = (*settings, "-c", "core.quotepath=false")
    large = 2 * 1024 * 1024

    def prepare(self) -> None:
        super().prepare()
        for name, value in (
            ("core.autocrlf", "false"),
            ("core.longpaths", "true"),
            ("core.symlinks", "true"),
            ("core.fsmonitor", "false"),
        ):
            self.run("--git-dir", str(self.store), "config", name, value)
        project = self.root / ".git"
        (self.store / "objects/info/alternates").write_text(f"{project / 'objects'}\n")
        shutil.copyfile(project / "index", self.store / "index")
        self._pool = ThreadPoolExecutor(2)

    def capture(self) -> None:
        self._copy_excludes([])
        changed = self._candidates()
        if changed:
            self._add(changed)
        self._newest = self._call(self.settings, "write-tree").strip()

    def token(self) -> str:
        return self._newest

    def close(self) -> None:
        self._pool.shutdown()
        super().close()

    def restore(self, token: str, changed: list[str]) -> None:
        if self.whole:
            self._call(self.core, "read-tree", token)
            self._call(self.core, "checkout-index", "-a", "-f")
        else:
            self._undo(token, changed)

    def restore_whole(self) -> None:
        """From now on restores the other way, under the other name."""
        self.whole, self.name = True, self.whole_name

    def _undo(self, token: str, changed: list[str]) -> None:
        """Puts back the files of the patch in groups, and deletes those not in the tree."""
        for at in range(0, len(changed), PATHS_AT_ONCE):
            group = changed[at : at + PATHS_AT_ONCE]
            if len(group) == 1:
                self._call(self.core, "checkout", token, "--", group[0])
                continue
            listed = self._call(self.core, "ls-tree", "--name-only", token, "--", *group)
            there = set(listed.split("\n"))
            if present := [path for path in group if path in there]:
                self._call(self.core, "checkout", token, "--", *present)
            for path in group:
                if path not in there:
                    (self.root / path).unlink(missing_ok=True)

    def tree(self, token: str) -> str:
        return token

    def _call(self, settings: tuple[str, ...], *words: str, stdin: str = "") -> str:
        return self.run(*settings, *self._repository, *words, stdin=stdin)

    def _copy_excludes(self, large: list[str]) -> None:
        words = ("rev-parse", "--path-format=absolute", "--git-path", "info/exclude")
        source = Path(self.run(*words).strip())
        text = source.read_text().rstrip() if source.exists() else ""
        lines = [text, *(f"/{path}" for path in large)]
        (self.store / "info" / "exclude").write_text("\n".join(filter(None, lines)) + "\n")

    def _candidates(self) -> list[str]:
        tracked = self._pool.submit(
            self._call, self.unquoted, "diff-files", "--name-only", "-z", "--", "."
        )
        words = ("ls-files", "--others", "--exclude-standard", "-z", "--", ".")
        others = self._pool.submit(self._call, self.unquoted, *words)
        return [*dict.fromkeys(filter(None, (tracked.result() + others.result()).split("\0")))]

    def _add(self, changed: list[str]) -> None:
        project = ("--git-dir", str(self.root / ".git"), "--work-tree", str(self.root))
        names = "\0".join(changed) + "\0"
        words = (*self.unquoted, *project, "check-ignore", "--no-index", "--stdin", "-z")
        ignored = set(self.run(*words, stdin=names, allowed=(0, 1)).split("\0"))
        from_file = ("--pathspec-from-file=-", "--pathspec-file-nul")
        kept = [path for path in changed if path not in ignored]
        if drop := [path for path in changed if path in ignored]:
            words = ("rm", "--cached", "-f", "--ignore-unmatch", *from_file)
            self._call(self.settings, *words, stdin=_literal(drop))
        self._copy_excludes([path for path in kept if self._is_large(path)])
        words = ("add", "--all", "--sparse", *from_file)
        self._call(self.settings, *words, stdin=_literal(kept))

    def _is_large(self, path: str) -> bool:
        try:
            return os.stat(os.path.join(self.root, path)).st_size > self.large
        except FileNotFoundError:
            return False


class GeminiCli(Rival):
    """Gemini CLI's checkpoints: a commit in a shadow repository."""

    name = "Gemini CLI"

    def prepare(self) -> None:
        self.run("init", "-q", "--initial-branch=main", environment=self._pinned())
        self.git("config", "gc.auto", "0")
        self.git("commit", "-q", "--allow-empty", "-m", "Initial commit")

    def capture(self) -> None:
        self.git("add", ".")
        status = self.git("status", "--porcelain", "-b", "-u", "--null")
        if any(not part.startswith("##") for part in status.split("\0") if part):
            self.git("commit", "-q", "-m", "snapshot", "--no-verify")
        else:
            self.git("rev-parse", "HEAD")

    def restore(self, token: str, changed: list[str]) -> None:
        self.git("restore", "--source", token, ".")
        self.git("clean", "-f", "-d")


class Cline(Rival):
    """Cline's checkpoints; its two walks for nested repositories are left out, in its favour."""

    name = "Cline"

    def prepare(self) -> None:
        super().prepare()
        self.git("config", "gc.auto", "0")
        self.git("config", "commit.gpgSign", "false")
        self.git("commit", "-q", "--allow-empty", "-m", "initial commit")

    def capture(self) -> None:
        self.git("add", ".", "--ignore-errors")
        self.git("commit", "-q", "-m", "checkpoint", "--allow-empty", "--no-verify")

    def restore(self, token: str, changed: list[str]) -> None:
        self.git("reset", "-q", "--hard", token)


class TunedGit(Rival):
    """The best that two git processes can do: every setting that helps large trees is on."""

    name = "git, tuned"

    def prepare(self) -> None:
        super().prepare()
        for name, value in (
            ("feature.manyFiles", "true"),
            ("index.version", "4"),
            ("core.untrackedCache", "true"),
            ("core.preloadIndex", "true"),
            ("gc.auto", "0"),
        ):
            self.git("config", name, value)

    def capture(self) -> None:
        self.git("add", "-A", ".")
        self._newest = self.git("write-tree").strip()

    def token(self) -> str:
        return self._newest

    def restore(self, token: str, changed: list[str]) -> None:
        self.git("read-tree", "-m", "-u", token)

    def tree(self, token: str) -> str:
        return token


def _literal(paths: list[str]) -> str:
    return "".join(f":(top,literal){path}\0" for path in paths)


RIVALS: tuple[type[Rival], ...] = (OpenCode, GeminiCli, Cline, TunedGit)
