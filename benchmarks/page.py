"""Pages whose tables are written by a run: what lies between two comments is replaced, the rest is people's.

Run `python -m benchmarks.page FILE docs/benchmarks.md` to write the page from the JSON of an earlier run.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks import targets
from benchmarks.figures import Figure, number, ratio


def replaced(text: str, parts: Mapping[str, str]) -> str:
    """Return a page with its generated parts renewed.

    Args:
        text: The page; a part stands between ``<!-- generated: NAME -->`` and ``<!-- end of NAME -->``.
        parts: By name.

    Raises:
        ValueError: the page lacks one of them.
    """
    for name, content in parts.items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
        before, found_begin, rest = text.partition(begin)
        _, found_end, after = rest.partition(end)
        if not (found_begin and found_end):
            raise ValueError(f"the page has no part {name}")
        text = f"{before}{begin}\n\n{content.strip()}\n\n{end}{after}"
    return text


def write(page: Path, figures: Sequence[Figure], about: str) -> None:
    """Write the tables of the benchmarks' page."""
    by_name = {one.name: one for one in figures}
    parts = {
        "about": about,
        "targets": table(("target", "wanted", "here", ""), targets.rows(by_name), right=(2,)),
        "figures": table(
            ("figure", "host", "beside it", "unit", "ratio"), (_row(one) for one in figures), right=(1, 2, 4)
        ),
    }
    page.write_text(replaced(page.read_text(), parts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Lay a table out in Markdown."""
    rule = ["---:" if place in right else "---" for place in range(len(head))]
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(rule)}|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _row(one: Figure) -> tuple[str, ...]:
    return one.name, number(one.value), number(one.baseline), one.unit, ratio(one.ratio)


def main() -> None:
    """Write the page from a file."""
    source, page = map(Path, sys.argv[1:])
    write(page, msgspec.json.decode(source.read_bytes(), type=list[Figure]), f"From `{source.name}`.")


if __name__ == "__main__":
    main()
