"""The API's description as the host serves it, below ``/docs``."""

from collections.abc import Sequence
from typing import Any

from litestar import Request
from litestar.enums import OpenAPIMediaType
from litestar.openapi.plugins import OpenAPIRenderPlugin

from pideai_host.web.described import described, printed


class DocumentPlugin(OpenAPIRenderPlugin):
    """Serves the document, the same that `pideai-host openapi` prints."""

    def __init__(self, path: str | Sequence[str] = "/openapi.json") -> None:
        super().__init__(path=path, media_type=OpenAPIMediaType.OPENAPI_JSON)
        self._rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - Litestar's signature
        """Return the document; what is described does not change while the process lives."""
        if self._rendered is None:
            self._rendered = printed(described(request.app)).encode()
        return self._rendered
