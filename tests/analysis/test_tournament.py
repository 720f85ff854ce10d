"""The round robin equals its pairings, one program serves all numbers, and no diverged lane enters a mean unseen."""

import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from analysis.plots import pictures as plots
from analysis.statistics import estimate, mean_of_cells
from analysis.tournaments import round_robins as roundrobin
from analysis.tournaments.run import tournament
from analysis.tournaments.tables import cells, standings
from games import GAMES, Iterated, MatrixGame
from shaping import LEARNERS, Learner, Lola, Naive, play
from shaping.base import Scalar, number
from shaping.engine import lane_keys

pytestmark = pytest.mark.usefixtures("quickly_compiled")
GRADIENT = [e for e in LEARNERS if e.facts["learns"] and not e.facts["sampled"] and not e.facts["trained"]]


class Fragile(Learner):
    """Diverges in the lanes that begin above zero."""

    lr: Scalar = number(1.0)

    def update(self, state, view):
        return jax.tree.map(lambda x: jnp.where(x > 0, jnp.nan, 0.0) * self.lr, view.own), state


class Traced(Learner):
    """Counts how often it is traced."""

    traces = 0

    lr: Scalar = number(1.0)

    def update(self, state, view):
        Traced.traces += 1
        return jax.tree.map(lambda g: self.lr * g, view.gradient(view.params)), state


class Noisy(Learner):
    """Steps at random, and counts its steps: a learner with a key, a state and a sense of time."""

    lr: Scalar = number(0.1)

    def init(self, view):
        return jnp.zeros(()), view.own

    def update(self, state, view):
        count, begun = state
        drift = jax.tree.map(
            lambda x, x0: self.lr * (jax.random.normal(view.key) + 0.01 * view.time + count - (x - x0)),
            view.own,
            begun,
        )
        return drift, (count + 1, begun)


def matches(game, learners, pairs, steps=6, seeds=5):
    """The largest difference, and whether `ok` agrees, between cells and matches of their own."""
    result = roundrobin.round_robin(game, learners, 3, steps=steps, seeds=seeds)
    for i, j in pairs:
        match = play(game, [learners[i], learners[j]], 3, steps=steps, seeds=seeds)
        values = np.asarray(match.values)
        np.testing.assert_allclose(
            result.values[:, i, j], values[:, -1].T, rtol=1e-9, atol=1e-9, err_msg=str((i, j))
        )
        np.testing.assert_allclose(result.mean_values[:, i, j], values.mean(axis=1).T, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(result.ok[i, j], match.ok)
        for ours, theirs in zip(jax.tree.leaves(result.params), jax.tree.leaves(match.params), strict=True):
            np.testing.assert_allclose(ours[i, j], theirs, rtol=1e-8, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hamiltonian", "matching_pennies"])  # seats learn apart, and as one batch
def test_every_learner_plays_in_the_round_robin_as_in_a_match_of_its_own(name, x64):
    learners = [entry.make() for entry in GRADIENT]
    pairs = [
        (k, (k + 1) % len(learners)) for k in range(0, len(learners), 2)
    ]  # each learner once, in either seat
    matches(GAMES.make(name), learners, pairs, steps=3)


@pytest.mark.parametrize("entry", [e for e in GAMES if e.make().n_players == 2], ids=lambda e: e.name)
def test_exchanged_games_exchange_values(entry, x64):
    """Seat 1 of a game is seat 0 of the exchanged one, with the same parameters."""
    game = entry.make()
    other = game.exchanged()
    if other is None:  # then the seats learn apart, which is checked above on one such game
        assert not isinstance(game, (MatrixGame, Iterated)) or len(set(game.n_actions)) > 1
        return
    first, second = game.init(jax.random.key(0))
    np.testing.assert_allclose(other.values((second, first)), game.values((first, second))[::-1], rtol=1e-10)
    assert jax.tree.structure(other) == jax.tree.structure(game)


def test_cells_equal_matches_on_the_iterated_game(x64):
    learners = [Lola(), Naive(), Noisy(), LEARNERS.make("tft"), Lola(lr=0.3)]
    matches(GAMES.make("imp"), learners, [(4, 0), (2, 1), (3, 2)])


@pytest.mark.parametrize(
    "name", ["ultimatum", pytest.param("ipd_axelrod", marks=pytest.mark.slow), "iterated_rock_paper_scissors"]
)
def test_cells_equal_matches_whatever_the_form_of_the_parameters(x64, name):
    matches(GAMES.make(name), [Naive(0.5), Naive(0.1)], [(1, 0)])


@pytest.fixture(scope="module")
def dilemma():
    """A tournament on the iterated prisoner's dilemma."""
    return tournament(
        {"ipd": GAMES.make("ipd")}, {"naive": Naive(), "alld": LEARNERS.make("alld")}, steps=5, seeds=6
    ).frame


@pytest.fixture(scope="module")
def fragile():
    """A tournament some of whose lanes diverge."""
    return tournament(
        {"game": GAMES.make("hamiltonian")}, {"fragile": Fragile(), "naive": Naive(0.1)}, steps=4, seeds=16
    ).frame


def test_self_play_uses_separate_parameters(dilemma):
    alone = dilemma[(dilemma["learner_0"] == "naive") & (dilemma["learner_1"] == "naive")]
    rows = alone.pivot(index="seed", columns="seat", values="p_CC")
    assert (rows[0] != rows[1]).all()


def test_chunks_of_any_length_are_the_same_run(monkeypatch):
    run = lambda: roundrobin.round_robin(GAMES.make("tandem"), [Naive(0.1), Noisy()], steps=23, seeds=3)  # noqa: E731
    whole, told = run(), []
    monkeypatch.setattr(roundrobin, "CHUNK_SECONDS", 0.0)
    result = roundrobin.round_robin(
        GAMES.make("tandem"), [Naive(0.1), Noisy()], steps=23, seeds=3, report=told.append
    )
    assert told == list(range(24))
    np.testing.assert_array_equal(result.values, whole.values)
    np.testing.assert_array_equal(result.mean_values, whole.mean_values)


def test_more_learners_games_and_seeds_change_no_lane(x64):
    tandem, small, large = (
        GAMES.make("tandem"),
        [Naive(0.1), Noisy()],
        [Noisy(0.2), Naive(0.1), Lola(0.1), Noisy()],
    )
    keys = ["game", "learner_0", "learner_1", "seat", "seed"]
    few = tournament({"tandem": tandem}, dict(zip("ab", small, strict=True)), steps=5, seeds=3).frame
    many = tournament(
        {"rotation": GAMES.make("hamiltonian"), "tandem": tandem},
        dict(zip("xacb", large, strict=True)),
        steps=5,
        seeds=7,
    ).frame
    joined = few.merge(many, on=keys, how="left", suffixes=("", "_many"))
    assert len(joined) == len(few) == 2 * 2 * 2 * 3
    np.testing.assert_allclose(joined["value"], joined["value_many"], rtol=1e-12)
    assert (few.drop_duplicates("cell")["cell"].isin(many["cell"])).all()


def test_other_numbers_compile_nothing():
    def run(lr, payoff, seed, steps):
        games = {"a": MatrixGame.symmetric([[payoff, 0], [1, 2]], name=f"game {payoff}")}
        return tournament(
            games, {"x": Traced(lr), "y": Traced(lr / 2), "z": Naive(lr)}, steps=steps, seeds=4, seed=seed
        ).frame

    run(1.0, 3.0, 0, 10)
    traces, misses = Traced.traces, roundrobin.compile_program.cache_info().misses
    assert traces > 0
    run(0.3, 5.0, 7, 17)
    assert (Traced.traces, roundrobin.compile_program.cache_info().misses) == (traces, misses)


def test_learners_of_one_structure_share_one_update():
    Traced.traces = 0
    roundrobin.round_robin(GAMES.make("stag_hunt"), [Traced(lr) for lr in (0.1, 0.2, 0.3)], steps=2, seeds=3)
    together, Traced.traces = Traced.traces, 0
    roundrobin.round_robin(GAMES.make("stag_hunt"), [Traced(0.1)], steps=2, seeds=3)
    assert together == Traced.traces


def test_diverged_lanes_are_counted_and_enter_no_mean(fragile):
    game, seeds, frame = GAMES.make("hamiltonian"), 16, fragile
    drawn = jax.vmap(game.init)(lane_keys(0, "init", seeds))
    bad = [
        np.asarray(jnp.stack([x > 0 for x in jax.tree.leaves(own)])).reshape(-1, seeds).any(axis=0)
        for own in drawn
    ]
    assert 0 < bad[0].sum() < seeds
    table = cells(frame).set_index(["row", "column"])
    assert table["diverged"].to_dict() == {
        ("fragile", "fragile"): (bad[0] | bad[1]).sum(),
        ("fragile", "naive"): bad[0].sum(),
        ("naive", "fragile"): bad[1].sum(),
        ("naive", "naive"): 0,
    }
    match = play(game, [Fragile(), Naive(0.1)], 0, steps=4, seeds=seeds)
    assert table.loc[("fragile", "naive"), "row_mean"] == pytest.approx(
        np.asarray(match.values)[~bad[0], -1, 0].mean(), rel=1e-5
    )
    ranked = standings(frame).set_index("learner")
    assert ranked.loc["naive", "cross_diverged"] == bad[0].sum() + bad[1].sum()
    assert (ranked.loc["naive", "cross_lanes"], ranked.loc["naive", "self_lanes"]) == (2 * seeds, seeds)
    assert ranked.loc["naive", "self_diverged"] == 0
    assert np.isfinite(ranked["cross_mean"]).all()


def test_a_cell_without_a_finite_lane_has_no_mean():
    frame = tournament(
        {"tandem": GAMES.make("tandem")}, {"wild": Naive(5.0), "calm": Naive(0.1)}, steps=300, seeds=4
    ).frame
    table = cells(frame).set_index(["row", "column"])
    assert (table.loc[("wild", "wild"), "diverged"], table.loc[("calm", "calm"), "diverged"]) == (4, 0)
    assert np.isnan(table.loc[("wild", "wild"), "row_mean"])
    assert np.isnan(standings(frame).set_index("learner").loc["wild", "self_mean"])
    assert len(plots.heatmap(frame).axes) == 1  # one number is left, which needs no scale


def test_tables_say_what_the_rows_say(dilemma):
    frame = dilemma
    assert list(frame.columns) == [
        "cell", "game", "learner_0", "learner_1", "config_0", "config_1", "seat", "learner", "opponent", "seed", "step", "value",
        "value_auc", "value_opponent", "welfare", "value_cross_seed", "p_start", "p_CC", "p_CD", "p_DC", "p_DD",
        "freq_CC", "freq_CD", "freq_DC", "freq_DD", "cooperation", "cooperation_opponent", "ok",
    ]  # fmt: skip
    assert len(frame) == 2 * 2 * 2 * 6
    block = frame[(frame["learner_0"] == "naive") & (frame["learner_1"] == "alld") & (frame["seat"] == 1)]
    cell = cells(frame).set_index(["row", "column"]).loc[("naive", "alld")]
    assert cell["column_mean"] == pytest.approx(block["value"].mean())
    assert (block[["p_start", "p_CC", "p_CD", "p_DC", "p_DD"]] == 0).all().all()
    assert (block["learner"] == "alld").all()
    assert json.loads(block["config_0"].iloc[0])["class"] == "Naive"
    assert (frame["welfare"] == frame["value"] + frame["value_opponent"]).all()
    mine = frame[(frame["learner"] == "naive") & (frame["opponent"] == "alld")]
    assert standings(frame).set_index("learner").loc["naive", "cross_mean"] == pytest.approx(
        mine["value"].mean()
    )


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30))
def test_intervals_are_students(values):
    e = estimate(values)
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), max(stats.sem(values), 1e-300))
    assert (e.low, e.high) == pytest.approx((low, high), abs=1e-6)


@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(2, 9))
def test_the_mean_of_cells_weighs_cells_equally(seed, n, seeds):
    values = np.random.default_rng(seed).normal(size=(n, seeds))
    assert mean_of_cells(values, np.isfinite(values))[:4] == pytest.approx(estimate(values.mean(axis=0))[:4])
    values[0, 0] = np.nan
    e = mean_of_cells(values, np.isfinite(values))
    assert e.mean == pytest.approx(np.mean([np.nanmean(row) for row in values]))
    assert (e.diverged, e.of) == (1, n * seeds)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"seeds": 0}, "seeds is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"steps": 1.5}, "steps is 1.5.*integer"),
        ({"games": []}, "games"),
        ({"learners": {}}, "learners"),
        ({"learners": [Naive(), Naive()]}, "twice"),
        ({"games": {"a/b": GAMES.make("tandem")}, "out": "."}, "file"),
        ({"games": {"tandem": GAMES.make("tandem")}, "learners": {"tft": LEARNERS.make("tft")}}, "tandem"),
    ],
)
def test_refuses_in_one_sentence(settings, says):
    given = {
        "games": {"pd": GAMES.make("pd")},
        "learners": {"naive": Naive()},
        "steps": 2,
        "seeds": 2,
    } | settings
    with pytest.raises(ValueError, match=says) as caught:
        tournament(given.pop("games"), given.pop("learners"), **given)
    assert "\n" not in str(caught.value)


def test_learners_of_one_label_are_told_apart_by_their_numbers():
    frame = tournament([GAMES.make("tandem")], [Naive(0.1), Naive(0.2)], steps=2, seeds=2).frame
    assert list(frame["learner_0"].unique()) == ["naive(lr=0.1)", "naive(lr=0.2)"]


def test_twelve_thousand_lanes_do_not_hang():
    """A step of many large batched solves can stop jax 0.10 on two cores for ever: there must be none, guard flag or not."""
    code = (
        "from games import GAMES; from shaping import Lola; from analysis.tournaments.round_robins import round_robin\n"
        "learners = [Lola(lr=0.1 * (k + 1)) for k in range(10)]\n"
        "print(round_robin(GAMES.make('ipd'), learners, steps=3, seeds=120).ok.sum())"
    )
    bare = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, env=bare)
    assert done.stdout.strip() == "12000", done.stderr


def test_curves_show_every_player():
    match = play(GAMES.make("tandem"), [Naive(0.1), Lola(0.1, 0.1)], steps=8, seeds=4)
    axis = plots.curves(match).axes[0]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["naive (seat 0)", "lola (seat 1)"]
    np.testing.assert_allclose(
        axis.lines[1].get_ydata(), np.asarray(match.values)[..., 1].mean(axis=0), rtol=1e-5
    )


def test_heatmaps_hatch_what_diverged_and_write_the_same_bytes(tmp_path, fragile):
    frame = fragile
    drawn = plots.heatmap(frame)
    assert (
        sum(patch.get_hatch() is not None for patch in drawn.axes[0].patches)
        == (cells(frame)["diverged"] > 0).sum()
    )
    for name in ("a.pdf", "b.pdf"):
        plots.save(plots.heatmap(frame), tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert b"/Type3" not in (tmp_path / "a.pdf").read_bytes()


def test_games_share_a_program_whatever_their_names():
    structures = {
        jax.tree.structure(roundrobin.anonymous(GAMES.make(name)))
        for name in ("ipd", "imp", "iterated_chicken")
    }
    assert len(structures) == 1
    assert GAMES.make("ipd").name == "iterated_prisoners_dilemma"
