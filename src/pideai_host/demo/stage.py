"""Everything the demo needs standing: database, store, identity, receiver, host and worker; taken down in order."""

import base64
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.api import EventType
from pideai_host.db.dev import apply_dev_base, create_demo_store
from pideai_host.db.embedded import ensure_runtime_login
from pideai_host.db.migrate import migrate
from pideai_host.demo.processes import HostProcess, free_port, wait_until_ready
from pideai_host.demo.receiver import Receiver
from pideai_host.plugins.migrating import migrate_plugins
from pideai_host.plugins.registry import load_registry
from pideai_host.settings import Settings
from pideai_host.testing.tokens import TokenSigner

OWNER_ID: Final = UUID("0d9a6f4e-5e0c-4b7a-9d56-2f8f7d1c9a01")
SUBDOMAIN: Final = "arepera-demo"
PLUGINS: Final = ("whatsapp", "webhook-bridge")
ISSUER: Final = "http://127.0.0.1/auth/v1"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What stands while the demo plays."""

    connection: AsyncConnection[TupleRow]
    client: httpx.AsyncClient
    receiver: Receiver
    host: HostProcess
    worker: HostProcess
    signer: TokenSigner
    store_id: UUID
    base_url: str
    webhook_secret: str
    hook_secret: str

    @property
    def token(self) -> str:
        """A fresh access token of the store's owner, good for an hour."""
        return self.signer.token(OWNER_ID)


@asynccontextmanager
async def set_stage(settings: Settings, say: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Build the stage on a database that runs; `say` is told each step before it is taken.

    Args:
        settings: With the URLs of a running server, as owner and as runtime role.
        say: Shows a line.
    """
    async with AsyncExitStack() as stack:
        connection, store_id = await _prepare_database(settings, stack, say)
        signer = TokenSigner(ISSUER)
        hook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        receiver = await stack.enter_async_context(
            Receiver(secret=hook_secret, jwks=signer.jwks(), refuse_type=EventType.ORDER_CREATED)
        )
        say(f"A developer's server, which takes the store's webhooks, listens on {receiver.hook_url}")
        say("(it turns the first order.created away twice, so that a retry is seen)")
        log_dir = stack.enter_context(logs_unless_well(say))
        port, webhook_secret = free_port(), secrets.token_urlsafe(32)
        environ = _environ(settings, receiver, port=port, webhook_secret=webhook_secret)
        base_url = f"http://127.0.0.1:{port}"
        say(f"Starting the host on {base_url} and a worker beside it (their logs: {log_dir})")
        host = await stack.enter_async_context(
            HostProcess("serve", "--no-worker", environ=environ, log=log_dir / "serve.log")
        )
        worker = await stack.enter_async_context(HostProcess("worker", environ=environ, log=log_dir / "worker.log"))
        await wait_until_ready(base_url, host)
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30.0))
        yield Stage(
            connection=connection,
            client=client,
            receiver=receiver,
            host=host,
            worker=worker,
            signer=signer,
            store_id=store_id,
            base_url=base_url,
            webhook_secret=webhook_secret,
            hook_secret=hook_secret,
        )


@contextmanager
def logs_unless_well(say: Callable[[str], None]) -> Iterator[Path]:
    """Give a folder for logs; it is left, and named, only when the block fails. Ctrl-C is no failure."""
    folder = Path(tempfile.mkdtemp(prefix="pideai-demo-"))
    try:
        yield folder
    except Exception:
        say(f"The logs of host and worker are in {folder}")
        raise
    except BaseException:  # Ctrl-C: whoever ends it looks for no fault
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


async def _prepare_database(
    settings: Settings, stack: AsyncExitStack, say: Callable[[str], None]
) -> tuple[AsyncConnection[TupleRow], UUID]:
    admin_url = settings.admin_database_url or ""
    connection = await stack.enter_async_context(await AsyncConnection.connect(admin_url, autocommit=True))
    say("Applying the development base (what Supabase and PideAI bring) and the migrations")
    await apply_dev_base(connection)
    applied = migrate(admin_url, install_pgmq=True)
    ensure_runtime_login(admin_url)
    applied += [name for one in migrate_plugins(admin_url, load_registry(settings.plugins)) for name in one.names]
    say(f"Migrations applied now: {len(applied)}")
    store_id = await create_demo_store(connection, owner_id=OWNER_ID, subdomain=SUBDOMAIN, name="Arepera Demo")
    # Each run spends a few credits; a newcomer who plays on should not run out of them.
    await connection.execute(
        "update public.whatsapp_credits set credits_used_this_month = 0 where store_id = %s", (store_id,)
    )
    say(f"The demo store is {store_id}")
    return connection, store_id


def _environ(settings: Settings, receiver: Receiver, *, port: int, webhook_secret: str) -> dict[str, Any]:
    chosen = {} if settings.plugins is None else {"PIDEAI_PLUGINS": ",".join(sorted(settings.plugins | set(PLUGINS)))}
    keys = ",".join(f"{kid}:{base64.b64encode(key).decode()}" for kid, key in settings.master_keys)
    return {
        "DATABASE_URL": settings.database_url or "",
        "ADMIN_DATABASE_URL": settings.admin_database_url or "",
        "PIDEAI_HOST": "127.0.0.1",
        "PIDEAI_PORT": str(port),
        "PIDEAI_MASTER_KEYS": keys,
        "PIDEAI_WEBHOOK_SECRETS": webhook_secret,
        "PIDEAI_HTTP_ALLOW": "127.0.0.0/8",
        "PIDEAI_LOG_FORMAT": "json",
        "SUPABASE_JWKS_URL": receiver.jwks_url,
        "SUPABASE_JWT_ISSUER": ISSUER,
        **chosen,
    }
