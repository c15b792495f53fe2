"""What the operator tells the host, and the folder it keeps things in."""

from pideai_host.settings.masterkeys import ensure_master_keys
from pideai_host.settings.settings import Settings

__all__ = ["Settings", "ensure_master_keys"]
