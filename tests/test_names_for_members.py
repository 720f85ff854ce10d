"""A game is accepted as a value, a factory and a registry name, a learner as a value, a class and a name, wherever one is taken."""

import jax
import jax.numpy as jnp
import pytest

import analysis
from games import CoinGame, stag_hunt, tandem
from shaping import Lola, MetaGame, play, sweep
from solvers import differentiable, fixed_points, solve

AT = (jnp.array([0.3]), jnp.array([0.1]))

TAKES_GAMES = {
    "play": lambda game: play(game, ["naive", "lola"], steps=2),
    "tournament": lambda game: analysis.tournament([game], ["naive"], steps=2, seeds=2),
    "round_robin": lambda game: analysis.round_robin(game, ["naive"], steps=2, seeds=2)[:4],
    "MetaGame": lambda game: MetaGame(game, [None, "naive"], 2),
    "consistency_loss": lambda game: analysis.consistency_loss(game, ["lola"] * 2, AT, 1.0),
    "cosine_similarity": lambda game: analysis.cosine_similarity(game, ["lola"] * 2, ["naive"] * 2, AT),
    "directions": lambda game: analysis.consistency.directions(game, ["lola"] * 2, AT),
    "anticipated_gradients": lambda game: analysis.consistency.anticipated_gradients(
        game, ["lola"] * 2, AT, 1.0
    ),
    "simultaneous_gradient": lambda game: differentiable.simultaneous_gradient(game, AT),
    "game_jacobian": lambda game: differentiable.game_jacobian(game, AT),
    "classify": lambda game: differentiable.classify(game, AT, leaders=()).eigenvalues,
    "fixed_points": lambda game: len(fixed_points(game, 2)),
    "leader_gradient": lambda game: differentiable.leader_gradient(game, AT, damping=1.0),
    "leader_curvature": lambda game: differentiable.leader_curvature(game, AT),
    "stackelberg": lambda game: differentiable.stackelberg(game, AT, max_steps=4).status,
}
TAKES_LEARNERS = {
    "play": lambda x: play("tandem", [x, x], steps=2),
    "tournament": lambda x: analysis.tournament(["tandem"], [x], steps=2, seeds=2),
    "round_robin": lambda x: analysis.round_robin("tandem", [x], steps=2, seeds=2)[:4],
    "MetaGame": lambda x: MetaGame("tandem", [None, x], 2),
    "consistency_loss": lambda x: analysis.consistency_loss("tandem", [x, x], AT, 1.0),
    "cosine_similarity": lambda x: analysis.cosine_similarity("tandem", [x, x], ["naive"] * 2, AT),
    "directions": lambda x: analysis.consistency.directions("tandem", [x, x], AT),
}


def same(a, b):
    """Whether two results are equal, array by array."""
    return all(
        jnp.array_equal(x, y, equal_nan=True)
        if hasattr(x, "dtype") and x.dtype.kind in "fiubc"
        else repr(x) == repr(y)
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


@pytest.mark.parametrize("name", TAKES_GAMES)
def test_games_are_values_factories_and_names(name):
    call = TAKES_GAMES[name]
    made = call(tandem())
    assert same(made, call(tandem))
    assert same(made, call("tandem"))
    for wrong in ("tandme", 3):
        with pytest.raises(ValueError, match=repr(wrong)):
            call(wrong)


@pytest.mark.parametrize("name", TAKES_LEARNERS)
def test_learners_are_values_classes_and_names(name):
    call = TAKES_LEARNERS[name]
    made = call(Lola())
    assert same(made, call(Lola))
    assert same(made, call("lola"))
    for wrong in ("lolla", 3):
        with pytest.raises(ValueError, match=repr(wrong)):
            call(wrong)


def test_sweeps_take_classes_and_names_and_solve_takes_factories():
    assert repr(sweep("lola", lr=[0.1, 0.2])) == repr(sweep(Lola, lr=[0.1, 0.2]))
    assert len(solve(stag_hunt)) == len(solve("stag_hunt")) == len(solve(stag_hunt()))


def test_an_environment_is_accepted_by_name_and_as_a_factory():
    run = jnp.full(5, -9.0), jnp.full(5, -9.0)
    table = analysis.evaluate("ipd_rollout", [run], episodes=4, steps=2)
    assert len(table) == 10
    with pytest.raises(ValueError, match="no run"):
        analysis.evaluate(CoinGame.lola, [])
    for wrong in ("ipd_rolout", 3):
        with pytest.raises(ValueError, match=r"environment"):
            analysis.evaluate(wrong, [run], episodes=4, steps=2)
