"""The setting that no text be stored, as the daemon follows it."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.daemons import until

from stepwell.store.engine.moved import GRAIN_NS
from stepwell.store.engine.scan import stamping_clock
from stepwell.store.service.keepstext import KeepsText
from stepwell.store.service.log import Log

_SAID = {"": True, "[capture]\nno_text = true\n": False, "[capture]\nno_text=false\n": True}
_SAID |= {"[capture": False, "[capture]\nno_text =  true": False}


def _settled(config: Path) -> None:
    """Waits until a later write of the file must leave another time stamp."""
    until(lambda: os.stat(config).st_ctime_ns < stamping_clock() - GRAIN_NS)


@given(texts=st.lists(st.tuples(st.sampled_from(sorted(_SAID)), st.booleans()), max_size=8))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_newest_settings_hold_however_fast_they_follow_one_another(
    tmp_path: Path, texts: list[tuple[str, bool]]
) -> None:
    """Of the same length within the same tick, with or without a pause; where they are gone, too."""
    config = tmp_path / "config.toml"
    config.unlink(missing_ok=True)
    with closing(Log(tmp_path, lambda: 0)) as log:
        keeps = KeepsText(config, log)
        assert keeps()
        for text, waits in texts:
            config.write_text(text)
            assert keeps() is _SAID[text]
            if waits:
                _settled(config)
                assert keeps() is keeps() is _SAID[text]
        config.unlink(missing_ok=True)
        assert keeps()


def test_settings_are_read_once_and_what_is_wrong_with_them_is_logged_once(tmp_path: Path) -> None:
    """For each state of the file, however often it is asked."""
    config = tmp_path / "config.toml"
    config.write_text("[capture")
    _settled(config)
    with closing(Log(tmp_path, lambda: 0)) as log:
        keeps = KeepsText(config, log)
        assert not any(keeps() for _ in range(5))
    assert (tmp_path / "daemon.log").read_text().count("cannot be read") == 1
