"""What an address answers to OPTIONS: all of its methods.

Litestar makes that answer when the first handler of an address is registered, and forgets those that come after.
"""

from typing import Final

from litestar.enums import ScopeType
from litestar.routes import HTTPRoute
from litestar.types import Message, Scope

_ALLOW: Final = b"allow"


async def tell_methods(message: Message, scope: Scope) -> None:
    """Put all methods of the address into ``Allow``; to be registered as `before_send`."""
    if scope["type"] != ScopeType.HTTP or scope["method"] != "OPTIONS" or message["type"] != "http.response.start":
        return
    headers = list(message["headers"])
    if not any(name.lower() == _ALLOW for name, _ in headers):
        return
    template = scope["path_template"]
    routes = (one for one in scope["litestar_app"].routes if isinstance(one, HTTPRoute))
    methods = {method for route in routes if route.path_format == template for method in route.methods}
    allowed = ", ".join(sorted(methods)).encode()
    message["headers"] = [(name, value) for name, value in headers if name.lower() != _ALLOW] + [(_ALLOW, allowed)]
