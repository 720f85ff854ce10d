"""The registries of the command line."""

import typing

from analysis.cli.list import List
from analysis.cli.registries import HOMES


def test_every_registry_can_be_listed():
    kind = typing.get_type_hints(List)["kind"]
    assert set(typing.get_args(kind)) == set(HOMES)
