"""Programs of others that both sides are measured with: wrk posts, nginx receives, Redis is the peer's queue."""

import asyncio
import re
import secrets
import shutil
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
from psycopg.conninfo import conninfo_to_dict

from benchmarks.load import Outcome
from benchmarks.orders import PLACEHOLDER, change_body
from benchmarks.processes import BenchmarkFailed, Process
from benchmarks.sink import Counts

NEEDED: Final = ("nginx", "wrk", "redis-server", "npm")
CONNECTIONS: Final = 64
_UNITS: Final = {"us": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0}

_SCRIPT: Final = """
local before, after, n = [=[{before}]=], [=[{after}]=], 0
before, after = before:gsub("\\n", "\\r\\n"), after:gsub("\\n", "\\r\\n")
request = function()
  n = n + 1
  return before .. string.format("{run}-0000-4000-8000-%012x", n) .. after
end
"""
_NGINX: Final = """worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; {temps}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /count {{ stub_status; }}
    location / {{ return 200 'ok'; }}
  }}
}}
"""
_TEMPS: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def missing() -> list[str]:
    """Name the programs that this machine lacks."""
    return [name for name in NEEDED if shutil.which(name) is None]


def nginx(folder: Path, port: int) -> Process:
    """Prepare a receiver that answers 200 to everything."""
    temps = " ".join(f"{kind}_temp_path {folder}/nginx-{kind};" for kind in _TEMPS)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, temps=temps, port=port))
    arguments = ("-c", str(config), "-e", str(folder / "nginx.err"))
    return Process(*arguments, program="nginx", environ={}, log=folder / "nginx.log")


def redis(folder: Path, port: int) -> Process:
    """Prepare a Redis that writes its log down once a second, as BullMQ's documentation wants it."""
    durable = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
    arguments = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *durable)
    return Process(*arguments, program="redis-server", environ={}, log=folder / "redis.log")


class Receiver:
    """The counts of nginx, without those who asked for them."""

    def __init__(self, client: httpx.AsyncClient, port: int) -> None:
        self._client = client
        self._url = f"http://127.0.0.1:{port}/count"
        self._asked = 0

    async def counts(self) -> Counts:
        """Return what has arrived; nginx does not tell twins apart."""
        self._asked += 1
        text = (await self._client.get(self._url)).text
        posts = int(text.split()[9]) - self._asked
        return Counts(posts=posts, distinct=posts)


async def wrk(folder: Path, port: int, store_id: UUID, headers: dict[str, str], seconds: float) -> Outcome:
    """Post orders for some seconds, each with an id of its own.

    Raises:
        BenchmarkFailed: something was not answered 2xx.
    """
    script = folder / "wrk.lua"
    await asyncio.to_thread(script.write_text, _script(store_id, headers))
    arguments = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "--latency", "-s", str(script))
    process = await asyncio.create_subprocess_exec(
        "wrk", *arguments, f"http://127.0.0.1:{port}", stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    return outcome(output.decode())


def _script(store_id: UUID, headers: dict[str, str]) -> str:
    body = change_body(store_id)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\n".join(["POST /webhooks/supabase HTTP/1.1", "Host: 127.0.0.1", *lines, f"Content-Length: {len(body)}"])
    before, after = f"{head}\n\n{body.decode()}".split(str(PLACEHOLDER))
    return _SCRIPT.format(before=before, after=after, run=secrets.token_hex(4))


def outcome(output: str) -> Outcome:
    """Read what wrk says.

    Raises:
        BenchmarkFailed: something was not answered 2xx.
    """
    if "Non-2xx" in output or "Socket errors" in output:
        raise BenchmarkFailed(f"wrk: {output}")
    done = int(_found(r"(\d+) requests in", output))
    return Outcome(
        accepted=done,
        refused=0,
        measured=done,
        rate=float(_found(r"Requests/sec:\s+(\S+)", output)),
        p50_ms=_milliseconds(_found(r"^ +50% +(\S+)", output)),
        p99_ms=_milliseconds(_found(r"^ +99% +(\S+)", output)),
    )


def _found(pattern: str, output: str) -> str:
    match = re.search(pattern, output, re.MULTILINE)
    if match is None:
        raise BenchmarkFailed(f"wrk did not say {pattern}: {output}")
    return match[1]


def _milliseconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if match is None:
        raise BenchmarkFailed(f"{text!r} is no time of wrk's")
    return float(match[1]) * _UNITS[match[2]]


def libpq_environ(url: str, database: str) -> dict[str, str]:
    """Return the variables by which other drivers find a database of our server."""
    told = conninfo_to_dict(url)
    return {
        "PGHOST": str(told["host"]),
        "PGPORT": "5432",
        "PGUSER": str(told["user"]),
        "PGDATABASE": database,
    }
