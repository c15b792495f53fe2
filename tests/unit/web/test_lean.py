"""The lean application is Litestar's without what nobody uses here; a sole router is put into one other, uncopied."""

import subprocess
import sys
from copy import Error

import pytest
from litestar import Litestar, get

from pideai_host.web.lean import LeanApp, SoleRouter


def printed(code: str) -> list[str]:
    """Run code in an interpreter that has imported nothing else, and return the words that it prints."""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return run.stdout.split()


PLUGINS = "print(*sorted(type(one).__name__ for one in app.plugins))"


def test_an_application_without_models_of_pydantics_does_not_import_it():
    assert printed(
        "import sys; from pideai_host.web.lean import LeanApp; LeanApp([]); print('pydantic' in sys.modules)"
    ) == ["False"]


def test_all_other_plugins_of_litestars_are_there():
    lean = printed(f"from pideai_host.web.lean import LeanApp; app = LeanApp([]); {PLUGINS}")
    full = printed(f"from litestar import Litestar; app = Litestar([]); {PLUGINS}")

    assert lean == [name for name in full if not name.startswith("Pydantic")]


def test_whoever_imported_pydantic_has_its_plugins():
    lean = printed(f"import pydantic; from pideai_host.web.lean import LeanApp; app = LeanApp([]); {PLUGINS}")
    full = printed(f"from litestar import Litestar; app = Litestar([]); {PLUGINS}")

    assert lean == full


@get("/thing")
async def get_thing() -> str:
    return "thing"


def test_a_sole_router_is_taken_as_it_is():
    inner = SoleRouter("/inner", route_handlers=[get_thing])
    outer = SoleRouter("/outer", route_handlers=[inner])
    app = Litestar([outer], openapi_config=None)

    assert (inner.owner, outer.owner) == (outer, app)
    assert [route.path for route in app.routes] == ["/outer/inner/thing"]


def test_a_sole_router_is_not_put_into_a_second_one():
    inner = SoleRouter("/inner", route_handlers=[get_thing])
    SoleRouter("/one", route_handlers=[inner])

    with pytest.raises(Error):
        SoleRouter("/other", route_handlers=[inner])


def test_a_handler_below_sole_routers_can_be_in_many_applications():
    apps = [LeanApp([SoleRouter(path, route_handlers=[get_thing])], openapi_config=None) for path in ("/a", "/b")]

    assert [[route.path for route in app.routes] for app in apps] == [["/a/thing"], ["/b/thing"]]
