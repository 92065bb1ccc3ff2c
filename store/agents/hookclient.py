"""The hook client: hands what an agent's hook is given to the daemon of the workspace.

An agent waits for it at every step, so it loads nothing of ours and of the standard library only
built-in modules (a tenth of a usual start). It prints nothing but what the daemon has to tell the agent, always exits 0, and whatever happens
it is gone within seconds: when no daemon answers it starts one, and when none comes it leaves the
event in a spool, from which the next daemon takes it.

The protocol is described in link/wire.py, the data folder in engine/registry.py. hook.py is what
agents run.
"""

import _signal  # type: ignore[import-not-found]  # as `signal` without its enumerations
import _socket
import posix
import sys
from posix import environ

PROTOCOL = 2
LONGEST = 64 << 20
"""Bytes of an event that are handed over; of a longer one only the fact is told."""
WORKSPACES = "/workspaces/"
SPOOLED_BYTES = 1 << 20
SPOOLED_FILES = 2_000

READ_S = 5.0
ANSWER_S = 1.5
"""For a daemon to take the event."""
START_S = 2.0
"""For a daemon that was started to listen."""
RETRY_S = 30.0
"""For how long a daemon that did not come is not started again."""
IN_VAIN = ".in-vain"
"""Of the spool: an empty file as old as the last such start."""
WORK_S = 10.0
"""For a daemon to record the event; it goes on without us."""
SPOOL_S = 1.0
PAUSE_S = 0.01


class GiveUp(Exception):
    """It takes too long."""


def main(arguments: list[str]) -> None:
    """Hands over one event; returns nothing, raises nothing."""
    try:
        _signal.signal(_signal.SIGALRM, _alarm)
        agent = arguments[0]
        event = arguments[1] if len(arguments) > 1 else ""
        # Codex gives its `notify` program the event as the last argument.
        payload = arguments[2].encode() if len(arguments) > 2 else _read(READ_S)
        fields = _fields(payload)
        event = event or _text(fields.get("hook_event_name")) or "-"
        folder = _folder(fields) or posix.getcwd()
        found = _workspace(_home(), folder)
        if found is not None and _is_word(agent) and _is_word(event):
            _deliver(*found, agent, event, payload)
    except BaseException:
        pass
    finally:
        _signal.setitimer(_signal.ITIMER_REAL, 0)


def _deliver(store: str, root: str, agent: str, event: str, payload: bytes) -> None:
    taken = False
    try:
        taken = _hand_over(store, agent, event, payload)
        if not taken and not _launched_in_vain(store):
            launch(store, root)
            taken = _keep_trying(store, agent, event, payload)
    except BaseException:
        pass
    if not taken:
        _limit(SPOOL_S)
        _spool(store, agent, event, payload)


def _alarm(number: int, frame: object) -> None:
    raise GiveUp


def _limit(seconds: float) -> None:
    _signal.setitimer(_signal.ITIMER_REAL, seconds)


def _read(seconds: float) -> bytes:
    """Returns stdin; what came of it by then when it never ends."""
    parts = []
    try:
        _limit(seconds)
        size = 0
        while size <= LONGEST:
            part = posix.read(0, 1 << 20)
            if not part:
                break
            parts.append(part)
            size += len(part)
    except GiveUp:
        pass
    return b"".join(parts)


def _fields(payload: bytes) -> dict[str, object]:
    """Returns the event's own fields; none when it is no JSON object."""
    text = payload.decode("utf-8", "replace")
    try:
        found: object = _scan(text)
    except (StopIteration, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _folder(fields: dict[str, object]) -> str:
    """Returns the folder that an agent says it works in, under whichever name; empty: none."""
    for name in ("cwd", "working_dir", "workspace_roots", "workspaceRoots"):
        found = fields.get(name)
        if isinstance(found, list) and found:
            found = found[0]
        if _text(found):
            return _text(found)
    return ""


def _scan(text: str) -> object:
    """Parses JSON as `json.loads` does, by the scanner that it calls, without loading the rest."""
    try:
        from _json import make_scanner

        scan = make_scanner(_Options)  # type: ignore[arg-type]  # it only looks at attributes
    except (ImportError, AttributeError, TypeError):
        from json import loads

        return loads(text)
    return scan(text, len(text) - len(text.lstrip()))[0]


class _Options:
    strict = False
    object_hook = None
    object_pairs_hook = None
    array_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_word(text: str) -> bool:
    return 0 < len(text) <= 128 and text.isascii() and text.isprintable() and " " not in text


def _variable(name: str) -> str:
    return environ.get(name.encode(), b"").decode("utf-8", "surrogateescape")


def _home() -> str:
    """Returns the data folder, as environment.default_home does."""
    person = _variable("HOME") or "/"
    chosen = _variable("STEPWELL_HOME")
    if chosen:
        return person + chosen[1:] if chosen == "~" or chosen.startswith("~/") else chosen
    if sys.platform == "darwin":
        return person + "/Library/Application Support/stepwell"
    base = _variable("XDG_DATA_HOME").strip()
    return (base if base.startswith("/") else person + "/.local/share") + "/stepwell"


def _workspace(home: str, folder: str) -> tuple[str, str] | None:
    """Returns store and root of the workspace that holds the folder; None when none does."""
    at = _real(folder).encode("utf-8", "surrogateescape")
    while True:
        name = _digits(at)[:16]
        record = _content(home + "/roots/" + name + ".json")
        if record is not None:
            mark = record.find(b'"workspace": "')
            workspace = record[mark + 14 : mark + 30].decode("ascii", "replace")
            if mark >= 0 and workspace.isalnum() and len(workspace) == 16:
                return home + WORKSPACES + workspace, at.decode("utf-8", "surrogateescape")
            return None
        if at in (b"/", b""):
            return None
        at = at.rpartition(b"/")[0] or b"/"


def _real(folder: str) -> str:
    """Returns the folder without links in its path: where the system says it is."""
    before = posix.open(".", posix.O_RDONLY)
    try:
        posix.chdir(folder)
        return posix.getcwd()
    finally:
        posix.fchdir(before)
        posix.close(before)


def _digits(data: bytes) -> str:
    for module in ("_sha2", "_sha256", "hashlib"):
        try:
            digest: str = __import__(module).sha256(data).hexdigest()
            return digest
        except ImportError:
            continue
    raise GiveUp


def _content(path: str) -> bytes | None:
    try:
        fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return None
    try:
        return posix.read(fd, 65_536)
    finally:
        posix.close(fd)


def _hand_over(store: str, agent: str, event: str, payload: bytes) -> bool:
    """Tells whether a daemon took the event; False when none listens, or it died over it.

    Handed over again, to the next one, an event that was recorded already changes nothing.
    """
    sock = _connected(store)
    if sock is None:
        return False
    try:
        state = posix.stat(store)
        greeting = f"stepwell {PROTOCOL} - {state.st_dev}:{state.st_ino}\n"
        body = payload if len(payload) <= LONGEST else b""
        # At once: to wait for its greeting first would have both sides wake up once more.
        sock.sendall(f"{greeting}hook {agent} {event} {len(body)}\n".encode() + body)
        return _line(sock).startswith(f"stepwell {PROTOCOL} ".encode()) and _recorded(sock)
    except OSError:
        return False
    finally:
        sock.close()


def _recorded(sock: _socket.socket) -> bool:
    """Waits for the answer; a daemon that says that it works has the event, however long it takes."""
    line = _line(sock)
    try:
        _limit(WORK_S)
        while line.startswith(b"working "):
            line = _line(sock)
        if line.startswith(b"told "):
            _say(sock, int(line[5:]))
        return bool(line)
    except GiveUp:
        return True


def _say(sock: _socket.socket, size: int) -> None:
    """Hands the agent what the daemon has to tell it, in the agent's own form; all of it or nothing."""
    text = b""
    while len(text) < size:
        part = sock.recv(size - len(text))
        if not part:
            return
        text += part
    try:
        while text:
            text = text[posix.write(1, text) :]
    except OSError:
        pass  # nobody listens: the event is taken all the same


def _connected(store: str) -> _socket.socket | None:
    _limit(ANSWER_S)
    try:
        target = posix.readlink(store + "/socket")
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        sock.connect(target)
    except OSError:
        return None
    option = getattr(_socket, "SO_PEERCRED", None)
    if option is not None:
        peer = int.from_bytes(sock.getsockopt(_socket.SOL_SOCKET, option, 12)[4:8], sys.byteorder)
        if peer not in (posix.geteuid(), 0):
            sock.close()
            return None
    return sock


def _line(sock: _socket.socket) -> bytes:
    """Returns the next line without reading on; empty when the daemon is gone."""
    line = b""
    while not line.endswith(b"\n") and len(line) < 512:
        byte = sock.recv(1)
        if not byte:
            return b""
        line += byte
    return line


def _keep_trying(store: str, agent: str, event: str, payload: bytes) -> bool:
    tries = int(START_S / PAUSE_S)
    for _ in range(tries):
        _pause(PAUSE_S)
        if _hand_over(store, agent, event, payload):
            return True
    _spool_file(store, IN_VAIN, b"")
    return False


def _launched_in_vain(store: str) -> bool:
    """Tells whether a daemon was started lately and did not come; then it is not waited for."""
    from time import time

    notes = [_changed(f"{folder}/{IN_VAIN}") for folder in _spools(store) if _is_ours(folder)]
    return any(abs(time() - note) < RETRY_S for note in notes)


def _changed(path: str) -> float:
    try:
        return posix.stat(path).st_mtime
    except OSError:
        return 0.0


def _pause(seconds: float) -> None:
    from time import sleep

    sleep(seconds)


KEPT = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
"""Of the environment; and all that begins with one of the next."""
KEPT_ALL = ("STEPWELL_", "XDG_")


def launch(store: str, root: str, idle_s: str = "") -> None:
    """Starts the daemon of a workspace, and leaves no child behind: the system takes it over."""
    child = posix.fork()
    if child == 0:
        try:
            posix.setsid()
            if posix.fork() == 0:
                _become_daemon(store, root, idle_s)
        finally:
            posix._exit(0)
    posix.waitpid(child, 0)


def _become_daemon(store: str, root: str, idle_s: str) -> None:
    _signal.setitimer(_signal.ITIMER_REAL, 0)
    posix.chdir("/")
    nowhere = posix.open("/dev/null", posix.O_RDWR)
    for fd in (0, 1, 2):
        posix.dup2(nowhere, fd)
    posix.closerange(3, 1_024)
    names = [name.decode("utf-8", "surrogateescape") for name in environ]
    kept = {n: _variable(n) for n in names if n in KEPT or n.startswith(KEPT_ALL)}
    home = store.rpartition(WORKSPACES)[0]
    command = [sys.executable, "-I", "-m", "stepwell.store.service", home, root]
    posix.execve(sys.executable, [*command, idle_s] if idle_s else command, kept)


def _spool(store: str, agent: str, event: str, payload: bytes) -> None:
    from time import time_ns

    name = f"{time_ns():020d}-{posix.getpid()}"
    _spool_file(store, name, f"{agent} {event}\n".encode() + payload[:SPOOLED_BYTES])


def _spool_file(store: str, name: str, content: bytes) -> None:
    for folder in _spools(store):
        try:
            _write(folder, name, content)
            return
        except OSError:
            continue


def _spools(store: str) -> tuple[str, ...]:
    return (store + "/spool", beside_socket(store)) if _is_folder(store) else ()


def beside_socket(store: str) -> str:
    """Returns the other place for a spool: it works when the store's disk is full or read-only."""
    runtime = _variable("XDG_RUNTIME_DIR")
    base = (runtime if runtime and _is_folder(runtime) else _variable("TMPDIR")) or "/tmp"
    return f"{base}/stepwell-{posix.geteuid()}/{store.rpartition('/')[2]}.spool"


def _make_private(folder: str) -> None:
    """Makes the folder, and the one beside the socket, for nobody but us."""
    above = folder.rpartition("/")[0]
    for one in (above, folder):
        if not _is_folder(one):
            posix.mkdir(one, 0o700)
    if not _is_ours(folder):
        raise OSError


def _is_ours(folder: str) -> bool:
    """Tells whether a spool is one that the program would take events from (engine/spoolfolder.py)."""
    try:
        for one, barred in ((folder.rpartition("/")[0], 0o022), (folder, 0o077)):
            state = posix.lstat(one)
            if state.st_uid != posix.geteuid() or state.st_mode & (0o170000 | barred) != 0o040000:
                return False
    except OSError:
        return False
    return True


def _is_folder(path: str) -> bool:
    try:
        return posix.stat(path).st_mode & 0o170000 == 0o040000
    except OSError:
        return False


def _write(folder: str, name: str, content: bytes) -> None:
    _make_private(folder)
    if len(posix.listdir(folder)) >= SPOOLED_FILES:
        return
    hidden = f"{folder}/.{name}-{posix.getpid()}"
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_NOFOLLOW | posix.O_CLOEXEC
    fd = posix.open(hidden, flags, 0o600)
    try:
        while content:
            content = content[posix.write(fd, content) :]
        posix.fsync(fd)
    except OSError:
        posix.unlink(hidden)
        raise
    finally:
        posix.close(fd)
    posix.rename(hidden, f"{folder}/{name}")


if __name__ == "__main__":
    main(sys.argv[1:])
    posix._exit(0)
