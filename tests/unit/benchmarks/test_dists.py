"""The plugins that benchmarks install."""

import importlib.metadata

from benchmarks import dists
from benchmarks.fill.sizes import Sizes


def test_each_plugin_is_found_by_its_entry_point(tmp_path):
    dists.make(tmp_path, dists.numbered(3))
    found = [
        (entry.name, entry.value)
        for one in importlib.metadata.distributions(path=[str(tmp_path)])
        for entry in one.entry_points
    ]
    assert sorted(found) == [(f"bench-{n}", f"bench_{n}:plugin") for n in range(3)]


def test_a_small_trial_leaves_no_part_of_the_filling_out():
    tiny = Sizes().scaled(0.0)
    assert min(tiny.history, tiny.parked, tiny.stores, tiny.plugins_each, tiny.plugins, tiny.orders) > 0
