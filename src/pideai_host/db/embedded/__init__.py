"""The embedded PostgreSQL: a real server of our own, for whoever brings none.

Only the binaries of the wheel are used, never its server class: that one's bookkeeping does not stop a server after
a kill -9, and as root it opens the folders above its data.
"""

from pideai_host.db.embedded.server import EmbeddedServer, ServerUrls, ensure_runtime_login

__all__ = ["EmbeddedServer", "ServerUrls", "ensure_runtime_login"]
