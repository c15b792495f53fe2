"""The API's description as the host serves it: the document, and a page to read and try it.

Nothing of the page comes from elsewhere, and no script or style stands within it (docs/adr/0034).
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.enums import MediaType, OpenAPIMediaType
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath

from pideai_host.web.described import described, printed

ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
}
"""File in `docs_assets` -> what it is."""

_CACHE: Final = {"cache-control": "public, max-age=3600"}
_PAGE: Final = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PideAI plugin host: API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<noscript>This page needs JavaScript; the document itself is <a href="/docs/openapi.json">openapi.json</a>.</noscript>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
"""


class DocsPage(OpenAPIRenderPlugin):
    """Serves the page, and the files that it consists of."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - Litestar's signature
        """Return the page; it fetches the document itself."""
        return _PAGE

    def receive_router(self, router: Router) -> None:
        """Add the files."""
        router.register(_asset)


class DocumentPlugin(OpenAPIRenderPlugin):
    """Serves the document, the same that `pideai-host openapi` prints, with the plugins' routes."""

    def __init__(self, path: str | Sequence[str] = "/openapi.json") -> None:
        super().__init__(path=path, media_type=OpenAPIMediaType.OPENAPI_JSON)
        self._rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - Litestar's signature
        """Return the document; what is described does not change while the process lives."""
        if self._rendered is None:
            self._rendered = printed(described(request.app)).encode()
        return self._rendered


@get("/assets/{name:str}", include_in_schema=False, sync_to_thread=True)
def _asset(name: FromPath[str]) -> Response[bytes]:
    media_type = ASSETS.get(name)
    if media_type is None:
        raise NotFoundException
    content = (files("pideai_host.web") / "docs_assets" / name).read_bytes()
    return Response(content, media_type=media_type, headers=_CACHE)
