"""What Supabase and PideAI bring, for development and tests only: roles, auth, the app's tables, functions, policies.

The numbered .sql files of this folder, one subject each, follow production as closely as is known, its oddities and
careless policies included, so that the host is built beside what it will meet. Never for a real Supabase project:
`apply_dev_base` refuses there.
"""

from pideai_host.db.dev.base import apply_dev_base
from pideai_host.db.dev.demo_store import create_demo_store

__all__ = ["apply_dev_base", "create_demo_store"]
