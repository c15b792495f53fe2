"""Asks plugins for what they contribute while the host starts: routes, jobs, commands, migrations."""

from functools import partial
from typing import Any, Final

from pideai_host.api import HookTimeout
from pideai_host.plugins.call import call_now
from pideai_host.plugins.registry import Hook
from pideai_host.plugins.threads import DaemonPool

BUILD_LIMIT_S: Final = 5.0
"""How long one plugin may take to say what it has: all others wait for it, since the host starts."""


def contributed(hook: Hook, limit_s: float = BUILD_LIMIT_S) -> Any:
    """Call a plain hook without arguments; one that hangs is left behind on its thread and does not hold up the start.

    Raises:
        HookTimeout: it did not answer in time.
        Exception: whatever it raised.
    """
    pool = DaemonPool(f"{hook.name}-{hook.slug}", 1)
    answer = pool.submit(partial(call_now, hook, {}))
    pool.close()
    try:
        return answer.result(limit_s)
    except TimeoutError:
        if answer.done():
            raise
        raise HookTimeout(slug=hook.slug, hook=hook.name, limit_s=limit_s) from None
