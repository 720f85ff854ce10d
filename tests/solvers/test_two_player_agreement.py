"""Two enumerations and a brute force that share no step agree on all equilibria of random games."""

import itertools

import numpy as np
import pytest

from solvers import lemke_howson, pure_equilibria, support_enumeration, vertex_enumeration
from tests.reference import brute
from tests.reference.textbook import TEXTBOOK, profiles

SHAPES = list(itertools.product(range(1, 7), repeat=2))


def generic_games(shape, count):
    """Games that are not degenerate, with their equilibria by brute force."""
    rng = np.random.default_rng(shape)
    while count:
        game = rng.integers(-1000, 1001, size=(2, *shape))
        try:
            known = brute.equilibria(*game.tolist())
        except brute.Degenerate:
            continue
        yield game, known
        count -= 1


def agree(shape, count):
    for game, known in generic_games(shape, count):
        for method in (vertex_enumeration, support_enumeration):
            exact, fast = method(game, exact=True), method(game)
            assert profiles(exact) == known
            assert len(exact) == len(fast) == len(known)
            assert fast.complete
            assert fast.degenerate is False
            assert fast.residual < 1e-12
        assert profiles(lemke_howson(game, exact=True)) <= known


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_numbers_of_equilibria_of_generic_games(shape):
    agree(shape, 5 if sum(shape) <= 8 else 1)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_numbers_of_equilibria_of_a_thousand_generic_games(shape):
    """36 shapes, 28 games of each: 1008."""
    agree(shape, 28)


@pytest.mark.parametrize("game", TEXTBOOK, ids=lambda g: g.name)
def test_textbook_games_by_vertices(game):
    found = vertex_enumeration(game.payoffs, exact=True)
    assert profiles(found) == game.equilibria
    assert found.degenerate == game.degenerate


@pytest.mark.parametrize("high", [1, 2, 4])
@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (5, 3), (5, 5)], ids=str)
def test_games_of_many_ties_have_the_same_structure(shape, high):
    rng = np.random.default_rng(high)
    for _ in range(8):
        game = rng.integers(0, high + 1, size=(2, *shape))
        by_supports, by_vertices = support_enumeration(game, exact=True), vertex_enumeration(game, exact=True)
        assert profiles(by_supports) == profiles(by_vertices)
        assert by_supports.cliques == by_vertices.cliques
        assert by_supports.components == by_vertices.components
        assert by_supports.degenerate == by_vertices.degenerate
        assert profiles(pure_equilibria(game, exact=True)) | profiles(
            lemke_howson(game, exact=True)
        ) <= profiles(by_vertices)
