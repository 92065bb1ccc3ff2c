"""The sessions' figures as Prometheus reads them; the package is `prometheus-client`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as TEXT_TYPE
from prometheus_client.registry import Collector

from stepwell.store.catalogue.rows import SessionFigures
from stepwell.store.sessions import Sessions
from stepwell.store.workspace import Workspace

__all__ = ["TEXT_TYPE", "exposition"]


def exposition(workspace: Workspace) -> bytes:
    """Returns the figures of all sessions in the text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sessions(Sessions(workspace).figures(), workspace.view().number))
    return generate_latest(registry)


class _Sessions(Collector):
    def __init__(self, rows: list[SessionFigures], operations: int) -> None:
        self._rows = rows
        self._operations = operations

    def collect(self) -> Iterator[Metric]:
        """Yields the figures."""
        yield GaugeMetricFamily(
            "stepwell_operations", "Operations of the store.", value=self._operations
        )
        for name, text, of in _FIGURES:
            labels = ["session", "of"] if name == _PEAK else ["session"]
            family = GaugeMetricFamily(f"stepwell_session_{name}", text, labels=labels)
            for one in self._rows:
                value = of(one)
                if value is not None:
                    whose = [one.peak_memory_of or ""] if name == _PEAK else []
                    family.add_metric([one.row.name, *whose], value)
            yield family


_PEAK = "peak_memory_bytes"

_FIGURES: tuple[tuple[str, str, Callable[[SessionFigures], float | None]], ...] = (
    ("steps", "Steps of the session.", lambda one: one.row.steps),
    ("commands", "Tool calls of the session.", lambda one: one.row.commands),
    ("failures", "Tool calls that failed.", lambda one: one.row.failed),
    (
        "average_seconds",
        "Mean of the newest 100 durations.",
        lambda one: None if one.row.average_ms is None else one.row.average_ms / 1000,
    ),
    (
        _PEAK,
        "Largest resident size, of a command of it or else of the daemon, as the label says.",
        lambda one: one.peak_memory_bytes,
    ),
    ("bytes", "What its steps added to the store.", lambda one: one.row.stored_bytes),
    (
        "last_accessed_seconds",
        "When it was last worked on or accessed, since the epoch.",
        lambda one: one.last_accessed_ns / 1e9,
    ),
)
