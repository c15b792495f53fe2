"""What an address answers to OPTIONS: all of its methods.

Litestar makes that answer when the first handler of an address is registered, and forgets those that come after.
"""

from typing import Final

from litestar.enums import ScopeType
from litestar.routes import HTTPRoute
from litestar.status_codes import HTTP_405_METHOD_NOT_ALLOWED
from litestar.types import Message, Scope

from pideai_host.web.heads import has_head

_ALLOW: Final = b"allow"


async def tell_methods(message: Message, scope: Scope) -> None:
    """Put all methods of the address into ``Allow``, of OPTIONS and of a 405; to be registered as `before_send`."""
    if scope["type"] != ScopeType.HTTP or message["type"] != "http.response.start":
        return
    if scope["method"] != "OPTIONS" and message["status"] != HTTP_405_METHOD_NOT_ALLOWED:
        return
    headers = list(message["headers"])
    known = next((value for name, value in headers if name.lower() == _ALLOW), None)
    if known is None:
        return
    methods = {word.strip() for word in known.decode().split(",")}
    template = scope.get("path_template")
    routes = (one for one in scope["litestar_app"].routes if isinstance(one, HTTPRoute))
    methods |= {method for route in routes if route.path_format == template for method in route.methods}
    if "GET" in methods and has_head(scope["path"]):
        methods.add("HEAD")
    allowed = ", ".join(sorted(methods)).encode()
    message["headers"] = [(name, value) for name, value in headers if name.lower() != _ALLOW] + [(_ALLOW, allowed)]
