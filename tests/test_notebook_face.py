"""What notebooks show: games, learners, matches and registries print what they are, and pictures are drawn on given axes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import pandas as pd
import pytest
from matplotlib.figure import Figure

import analysis
from games import ENVIRONMENTS, GAMES, PLAYABLE, Entry, Registry, ipd
from shaping import LEARNERS, Clipped, EveryK, Fixed, Lola, MetaGame, Naive, play, sweep

pytestmark = pytest.mark.usefixtures("quickly_compiled")


def test_a_learner_prints_its_numbers_as_they_were_written():
    assert repr(Lola(lr=0.3)) == "Lola(lr=0.3, look_ahead=1.0, variant='exact')"
    assert repr(Lola(lr=1e-5, steps=3)) == "Lola(lr=1e-05, look_ahead=1.0, variant='exact', steps=3)"
    assert repr(Fixed([0.9, 0.1])) == "Fixed(probabilities=[0.9, 0.1], name='fixed')"
    assert repr(EveryK(Clipped(Naive(0.1), 2.0), 3)) == (
        "EveryK(inner=Clipped(inner=Naive(lr=0.1), norm=2.0), k=3, offset=0)"
    )


@pytest.mark.parametrize(
    "entry", [e for e in LEARNERS if not e.facts["trained"]], ids=lambda entry: entry.name
)
def test_every_learner_prints_on_one_line_and_as_its_class(entry):
    text = repr(entry.make())
    assert text.startswith(f"{type(entry.make()).__name__}(")
    assert "\n" not in text
    assert "f32" not in text


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap, jax.grad], ids=["jit", "vmap", "grad"])
def test_traced_and_batched_numbers_are_printed_as_shapes(transform):
    printed = []

    def look(learner):
        printed.append(repr(learner))
        return learner.lr

    transform(look)(sweep(Lola, lr=[0.1, 0.2]).learner if transform is jax.vmap else Lola())
    kind = jnp.zeros(()).dtype
    assert printed[0].startswith(f"Lola(lr={kind}[]")
    assert "[100]" in repr(eqx.tree_at(lambda x: x.lr, Lola(), jnp.zeros(100)))
    assert repr(jax.eval_shape(Naive)) == f"Naive(lr={kind}[])"
    assert repr(jax.tree.map(lambda _: None, Naive())) == "Naive(lr=None)"


@pytest.mark.parametrize("entry", [*PLAYABLE, *ENVIRONMENTS], ids=lambda entry: entry.name)
def test_games_and_environments_print_their_class_name_and_players(entry):
    made = entry.make()
    assert repr(made).startswith(f"{type(made).__name__}({made.name!r}, 2 players")
    assert "\n" not in repr(made)


def test_games_print_their_numbers():
    assert "discount 0.9, memory 1" in repr(ipd(discount=0.9))
    assert "payoffs [[[-1.0, -3.0], [0.0, -2.0]]" in repr(GAMES.make("pd"))
    assert "1 player," in repr(MetaGame(ipd(), [None, Naive()], 10))
    traced = []
    jax.jit(lambda game: (traced.append(repr(game)), game.discount)[1])(ipd())
    assert f"discount {jnp.zeros(()).dtype}[]" in traced[0]


def test_a_match_prints_final_values_and_diverged_seeds():
    match = play("ipd", [Lola(lr=0.3), "naive"], steps=4, seeds=3)
    heading, columns, *rows = repr(match).splitlines()
    assert "lola, naive at iterated_prisoners_dilemma: 3 seeds, 4 steps, 5 records, 0 of 3 lanes" in heading
    assert columns.split()[:2] == ["seat", "learner"]
    mean = float(match.values[:, -1, 0].mean())
    assert rows[0].split()[:3] == ["0", "lola", f"{mean:.3f}"]
    assert "<td>lola</td>" in match._repr_html_()
    lost = eqx.tree_at(lambda m: m.ok, match, jnp.array([True, False, True]))
    assert "1 of 3 lanes diverged" in repr(lost)
    assert repr(lost).splitlines()[2].endswith("2 of 3")


def test_a_match_of_a_sweep_prints_a_row_per_point():
    grid = sweep(Lola, lr=[0.1, 0.3])
    match = play("ipd", [grid, "naive"], steps=2, seeds=2)
    assert "2 points of a sweep" in repr(match)
    assert [line.split()[0] for line in repr(match).splitlines()[2:]] == ["0.1", "0.1", "0.3", "0.3"]
    assert repr(grid).startswith("Sweep(2 points: lr=[0.1, 0.3]")
    with pytest.raises(ValueError, match="point"):
        match.plot()


def test_a_traced_match_prints_without_values():
    printed = []

    def run(key):
        match = play("ipd", ["lola", "naive"], key, steps=2, seeds=2)
        printed.extend([repr(match), match._repr_html_()])
        return match.values

    jax.jit(run)(jax.random.key(0))
    assert all("2 seeds, 3 records" in text for text in printed)


def test_registries_and_entries_print_names_and_summaries():
    for entry in GAMES:
        assert entry.name in repr(GAMES)
        assert entry.summary in repr(entry)
    assert "<table>" in LEARNERS._repr_html_()
    assert len(GAMES) == len(list(GAMES))
    family = Registry("toy")
    family.add(Entry("a<b", dict, "One.", "nobody2000"))
    assert "a&lt;b" in family._repr_html_()
    assert "1 toy" in repr(family)


@pytest.fixture
def axes():
    return Figure().subplots()


def test_pictures_are_drawn_on_given_axes(axes):
    match = play("tandem", ["naive", "lola"], steps=3, seeds=3)
    assert match.plot(ax=axes) is axes
    assert len(axes.lines) == 2
    assert isinstance(match.plot(), Figure)
    assert analysis.curves(match, ax=Figure().subplots()).get_xlabel() == "learning step"
    rows = analysis.tournament(["tandem", "ipd"], ["naive"], steps=2, seeds=2).frame
    one = rows[rows["game"] == "tandem"]
    assert analysis.heatmap(one, ax=axes) is axes
    with pytest.raises(ValueError, match="tandem"):
        analysis.heatmap(rows, ax=axes)
    coin = ENVIRONMENTS.make("coin_lola")
    state = coin.reset(jax.random.key(0))[1]
    assert analysis.snapshot(coin, state, ax=axes) is axes
    assert isinstance(analysis.snapshot(coin, state), Figure)


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    play("tandem", ["naive", "lola"], steps=3, seeds=3).plot()
    assert dict(matplotlib.rcParams) == before


def test_curves_of_a_match_and_of_its_table_are_the_same():
    match = play("tandem", ["naive", "lola"], steps=3, seeds=3)
    drawn = [match.plot(), analysis.curves(match), analysis.curves(match.to_frame())]
    data = [[line.get_xydata().tolist() for line in figure.axes[0].lines] for figure in drawn]
    assert data[0] == data[1] == data[2]
    assert isinstance(match.to_frame(), pd.DataFrame)


def test_the_package_offers_its_folders_and_names():
    assert set(analysis.__all__) <= set(dir(analysis))
    assert all(getattr(analysis, name) is not None for name in dir(analysis))
