"""`stepwell export` and `import`."""

from __future__ import annotations

import os
from pathlib import Path

from .conftest import Run


def test_steps_go_out_and_come_in(run: Run, folder: Path, tmp_path: Path) -> None:
    """All steps, or those of a filter; JSON says how many; a bundle is closed to others."""
    (folder / "README").write_text("more\n")
    assert run("capture", "-m", "more", "--session", "claude:s").code == 0
    out = run("export", "../all.bundle", "--json").json
    assert (out["exported"], out["bytes"]) == (2, (tmp_path / "all.bundle").stat().st_size)
    assert (tmp_path / "all.bundle").stat().st_mode & 0o777 == 0o600
    assert run("export", "../one.bundle", "session:claude").text.startswith("exported 1 step to")
    (tmp_path / "other").mkdir()
    assert run("-C", tmp_path / "other", "init").code == 0
    dry = run("-C", tmp_path / "other", "import", tmp_path / "all.bundle", "--dry-run", "--json")
    assert (dry.code, dry.json["imported"]) == (0, 2)
    told = run("-C", tmp_path / "other", "import", tmp_path / "all.bundle", "--json").json
    assert told == {"imported": 2, "skipped": 0, "errors": [], "branches": ["import/main"]}
    again = run("-C", tmp_path / "other", "import", tmp_path / "all.bundle")
    assert "2 are here already" in again.text


def test_what_cannot_be_exported_or_imported(run: Run, folder: Path, tmp_path: Path) -> None:
    """No such file, no step, no bundle: each with its exit code."""
    assert run("export", "../x.bundle", "session:nobody").code == 3
    assert not (tmp_path / "x.bundle").exists()
    assert run("export", "../nowhere/x.bundle").code == 1
    assert run("import", "../missing").code == 3
    assert run("import", "..").code == 2
    (tmp_path / "text").write_text("hello")
    refused = run("import", "../text")
    assert refused.code == 5
    assert "it is no bundle" in refused.err


def test_an_export_replaces_an_export_and_nothing_else(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    """A source, a link, a folder and a device stay; an empty file and an older bundle may go."""
    (tmp_path / "link").symlink_to(folder / "README")
    state = tmp_path / "state.json"
    state.write_text("{}")
    assert run("state", "put", state).code == 0
    before = (folder / "README").read_bytes()
    for words in (["export"], ["state", "export"], ["state", "--format=binary", "export"]):
        for other in ("README", "../link", "src", os.devnull):
            refused = run(*words, other, "--json")
            assert (refused.code, refused.json["error"]["code"]) == (4, "refused"), (words, other)
        (tmp_path / "new").unlink(missing_ok=True)
        (tmp_path / "new").touch()
        assert run(*words, "../new").code == 0
        assert run(*words, "../new").code == 0
    assert run("export", "../new").code == 4
    assert (folder / "README").read_bytes() == before
    assert (tmp_path / "link").is_symlink()
    assert Path(os.devnull).is_char_device()
