"""`stepwell export` and `import`."""

from __future__ import annotations

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
