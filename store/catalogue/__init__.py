"""The TinyDB index over the journal; it may be deleted and rebuilt at any time.

Importing it loads TinyDB: hot paths import it inside the functions that need it.
"""

from stepwell.store.catalogue.catalogue import Catalogue, rebuild
from stepwell.store.catalogue.graph import Graph
from stepwell.store.catalogue.rows import CheckpointRow, SessionRow
from stepwell.store.catalogue.sifting import Sifted

__all__ = ["Catalogue", "CheckpointRow", "Graph", "SessionRow", "Sifted", "rebuild"]
