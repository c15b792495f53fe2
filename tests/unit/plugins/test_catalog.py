import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pideai_host.plugins.catalog import canonical, find
from pideai_host.plugins.records import Phase, Status

Put = Callable[..., str]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a distribution's metadata into a folder below the test's own and return the folder."""

    def write(
        folder: str,
        name: str,
        entry_points: str | bytes,
        *,
        version: str = "1.0",
        metadata: str | None = "",
    ) -> str:
        info = tmp_path / folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        if metadata is not None:
            (info / "METADATA").write_text(metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_bytes(
            entry_points if isinstance(entry_points, bytes) else entry_points.encode()
        )
        return str(tmp_path / folder)

    return write


def declaring(*lines: str) -> str:
    return "\n".join(["[pideai.plugins]", *lines])


def test_candidates_come_sorted_by_distribution_then_slug(put: Put):
    folders = [
        put("one", "zoo", declaring("a-first = z:p")),
        put("one", "Abc.Def", declaring("b-two = a:p", "b-one = a:q")),
        put("two", "abc-deg", declaring("c-one = c:p")),
    ]

    found = find(paths=folders)

    assert [one.slug for one in found.candidates] == ["b-one", "b-two", "c-one", "a-first"]


def test_a_candidate_names_its_source(put: Put):
    folder = put("one", "my-plugin", declaring("mine = my_plugin.plugin:plugin"), version="2.3")

    (one,) = find(paths=[folder]).candidates

    assert one.source == "my-plugin==2.3: mine = my_plugin.plugin:plugin"


def test_other_groups_are_no_candidates(put: Put):
    folder = put("one", "a-tool", "[console_scripts]\na-tool = tool:main\n")

    assert find(paths=[folder]).candidates == ()


def test_looking_imports_nothing(install):
    find(paths=install("ok", "system_exit", "import_error"))

    assert [name for name in sys.modules if name.startswith("fake_")] == []


def test_a_distribution_on_two_folders_counts_once_and_the_first_wins(put: Put):
    folders = [
        put("one", "twice", declaring("twice = new:p"), version="2.0"),
        put("two", "twice", declaring("twice = old:p"), version="1.0"),
    ]

    found = find(paths=folders)

    assert [one.requirement for one in found.candidates] == ["twice==2.0"]
    assert found.refused == ()


def test_a_first_folder_without_the_plugin_hides_the_second(put: Put):
    folders = [
        put("one", "twice", "[console_scripts]\nx = y:z\n", version="2.0"),
        put("two", "twice", declaring("twice = old:p"), version="1.0"),
    ]

    assert find(paths=folders).candidates == ()


def test_a_folder_that_is_listed_twice_counts_once(install):
    assert len(find(paths=install("ok") * 2).candidates) == 1


def test_two_versions_of_a_distribution_in_one_folder_are_refused(put: Put):
    put("one", "stale", declaring("stale = s:p"), version="1.0")
    folder = put("one", "stale", declaring("stale = s:p"), version="2.0")

    assert {record.status for record in find(paths=[folder]).refused} == {Status.CONFLICT}


def test_two_distributions_with_one_slug_are_both_refused_with_both_names(install):
    found = find(paths=install("dup_b", "dup_a", "ok"))

    assert [one.slug for one in found.candidates] == ["ok-one"]
    assert [(record.distribution, record.status, record.error) for record in found.refused] == [
        (
            name,
            Status.CONFLICT,
            "slug 'same-slug' is declared by fake-dup-a==1.0 and fake-dup-b==2.0; uninstall all but one",
        )
        for name in ("fake-dup-a", "fake-dup-b")
    ]


@pytest.mark.parametrize(
    ("slug", "fault"),
    [
        ("Upper", "is not lower-case words"),
        ("under_score", "is not lower-case words"),
        ("x", "has 1 characters"),
        ("deliveries", "is reserved"),
    ],
)
def test_an_entry_point_that_is_no_slug_is_broken_before_import(put: Put, slug, fault):
    folder = put("one", "misnamed", declaring(f"{slug} = misnamed:p"))

    (record,) = find(paths=[folder]).refused

    assert (record.status, record.phase, fault in record.error) == (Status.BROKEN, Phase.DISCOVER, True)


def test_without_a_selection_all_are_candidates(install):
    assert len(find(None, install("ok", "second_ok")).candidates) == 2


def test_an_empty_selection_loads_none_and_lists_all(install):
    found = find(frozenset(), install("ok", "second_ok"))

    assert found.candidates == ()
    assert [(record.slug, record.status, record.phase) for record in found.refused] == [
        ("a-second", Status.SKIPPED, Phase.SELECT),
        ("ok-one", Status.SKIPPED, Phase.SELECT),
    ]


def test_a_selection_loads_what_it_names(install):
    found = find({"ok-one"}, install("ok", "second_ok"))

    assert [one.slug for one in found.candidates] == ["ok-one"]


def test_a_selected_slug_that_nobody_has_is_broken(install):
    (record,) = find({"ok-one", "nowhere"}, install("ok")).refused

    assert (record.slug, record.status, record.source) == ("nowhere", Status.BROKEN, "PIDEAI_PLUGINS")
    assert record.error == "no installed distribution has plugin 'nowhere'; install it or correct PIDEAI_PLUGINS"


def test_a_conflict_among_the_unselected_is_none(install):
    found = find({"ok-one"}, install("dup_a", "dup_b", "ok"))

    assert {record.status for record in found.refused} == {Status.SKIPPED}


@pytest.mark.parametrize("metadata", [None, "Metadata-Version: 2.1\nVersion: 1.0\n"], ids=["missing", "nameless"])
def test_a_plugin_whose_metadata_cannot_be_read_is_listed(put: Put, install, metadata):
    folder = put("one", "half-deleted", declaring("half = half:p"), metadata=metadata)

    found = find(paths=[folder, *install("ok")])

    assert [one.slug for one in found.candidates] == ["ok-one"]
    assert [(record.source, record.status) for record in found.refused] == [(folder, Status.BROKEN)]


def test_malformed_entry_points_of_ours_are_listed(put: Put):
    folder = put("one", "malformed", declaring("a line without the sign"))

    assert [record.status for record in find(paths=[folder]).refused] == [Status.BROKEN]


@pytest.mark.parametrize("text", [b"no group, no sign", b"\xff\xfe[pideai.plugins]"], ids=["malformed", "no text"])
def test_malformed_entry_points_of_others_stop_nobody(put: Put, install, text):
    folder = put("one", "stranger", text)

    found = find(paths=[folder, *install("ok")])

    assert ([one.slug for one in found.candidates], found.refused) == (["ok-one"], ())


@pytest.mark.parametrize("name", ["My.Plugin", "my_plugin", "MY--plugin", "my-plugin"])
def test_names_of_distributions_are_compared_as_indexes_do(name):
    assert canonical(name) == "my-plugin"
