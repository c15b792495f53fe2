"""The README's table from each call of today's panel to its new one names routes that there are."""

import re
from pathlib import Path

from pideai_whatsapp.routes import all_routes

README = Path(__file__).parent.parent / "README.md"


def test_every_call_that_the_readme_names_is_a_route():
    there = {
        f"{method} {re.sub(r':[a-z]+', '', path).replace('{template_type}', '{type}')}"
        for route in all_routes()
        for path in route.paths
        for method in route.http_methods
    }
    table = README.read_text("utf-8").split("| today | now |")[1].split("\n\n")[0]
    named = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /(?!api/)[^`]+)`", table))

    assert len(named) > 8
    assert named - there == set()
