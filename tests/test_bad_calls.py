"""Bad calls of the Python interface: each is refused at once, by this laboratory, in one sentence that names what was wrong."""

import functools
import pathlib
import traceback

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import games
import shaping
import shaping.model_free
import solvers
from analysis.evaluation import evaluate
from analysis.plots import pictures as plots
from analysis.plots.pictures import curves, heatmap
from analysis.results.store import Store
from analysis.statistics import estimate
from analysis.tournaments.run import tournament
from analysis.tournaments.tables import cells, standings
from games.sampled.estimators import Surrogate
from paper_figs.make import make
from shaping import Lola, Naive, play, sweep
from shaping.checkpoint import folder as checkpoint
from shaping.learners.cgd import Cgd
from shaping.learners.hola import Hola
from shaping.training import train
from solvers.evolution.flows import Replicator
from solvers.learning.rules import FictitiousPlay

pytestmark = pytest.mark.usefixtures("quickly_compiled")

ROOT = pathlib.Path(__file__).parents[1]
OURS = tuple(str(ROOT / package) for package in ("games", "shaping", "solvers", "analysis", "paper_figs"))


@functools.cache
def match():
    """A match that is fine."""
    return play(games.tandem(), [Naive()] * 2, steps=2, seeds=2)


@functools.cache
def swept():
    """A match with a sweep."""
    return play(games.tandem(), [sweep(Naive, lr=[0.1, 0.2]), Naive()], steps=2, seeds=2)


@functools.cache
def table():
    """A tournament that is fine."""
    return tournament([games.tandem()], ["naive"], steps=2, seeds=2).frame


KNOWN = {
    **{
        name: getattr(module, name)
        for module in (games, shaping, solvers)
        for name in dir(module)
        if not name.startswith("_")
    },
    "jax": jax,
    "jnp": jnp,
    "np": np,
    "NAN": float("nan"),
    "INF": float("inf"),
    "Z": jnp.zeros,
    "G": games.ipd(),
    "NN": [Naive()] * 2,
    "STAGE": games.MatrixGame.symmetric([[-1, -3], [0, -2]]),
    "PENNIES": [[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]],
    "SMALL": games.ENVIRONMENTS.make("ipd_rollout", length=3),
    "mf": shaping.model_free,
    "Cgd": Cgd,
    "Hola": Hola,
    "Surrogate": Surrogate,
    "FictitiousPlay": FictitiousPlay,
    "Replicator": Replicator,
    "Store": Store,
    "checkpoint": checkpoint,
    "plots": plots,
    "match": match,
    "swept": swept,
    "table": table,
    **{
        f.__name__: f
        for f in (cells, curves, estimate, evaluate, heatmap, make, standings, tournament, train)
    },
}
"""What the calls below may name; `TMP` is an empty folder, and `KEPT` one that holds a learner of tandem."""

CALLS = [
    ('GAMES.make("idp")', ("did you mean",)),
    ('GAMES.make("ipd", discont=0.9)', ("no setting 'discont'",)),
    ("GAMES.make(3)", ("Unknown game 3",)),
    ("ipd(discount=1.5)", ("discount", "is", "1.5", "[0, 1]")),
    ("ipd(discount=-0.1)", ("discount is -0.1",)),
    ('ipd(discount="0.9")', ("discount is '0.9'",)),
    ('ipd(discount="nan")', ("discount is 'nan'",)),
    ("ipd(discount=NAN)", ("discount is nan",)),
    ("ipd(discount=None)", ("discount is None",)),
    ("ipd(discount=True)", ("discount is True",)),
    ("ipd(discount=1j)", ("discount is 1j",)),
    ("ipd(discount=[0.9, 1.0])", ("discount holds 1",)),
    ("ipd(discount=[0.9, 1.5])", ("discount is 1.5",)),
    ('ipd(discount={"d": 0.9})', ("discount is {'d': 0.9}",)),
    ("ipd(memory=0)", ("memory is 0",)),
    ("ipd(memory=1.0)", ("memory is 1.0",)),
    ("ipd(memory=True)", ("memory is True",)),
    ('ipd(memory="1")', ("memory is '1'",)),
    ("ipd(init_std=-1)", ("init_std is -1",)),
    ("ipd(init_std=INF)", ("init_std is inf",)),
    ('ipd(init_std="wide")', ("init_std is 'wide'",)),
    ("ipd(payoffs=[[1, 2], [3]])", ("rows differ in length",)),
    ('ipd(payoffs=[["1", "2"], ["3", "4"]])', ("hold something else",)),
    ("ipd(payoffs=[[1, NAN], [3, 4]])", ("NaN or infinite",)),
    ("ipd(payoffs=[[True, False], [False, True]])", ("hold something else",)),
    ("ipd(payoffs=[[1j, 2], [3, 4]])", ("hold something else",)),
    ("ipd(payoffs=5)", ("leading",)),
    ("ipd(payoffs=[1, 2])", ("leading",)),
    ("ipd(payoffs=None)", ("hold something else",)),
    ("ipd_contribution(n_players=1)", ("n_players is 1",)),
    ("ipd_contribution(n_players=2.0)", ("n_players is 2.0",)),
    ("ipd_contribution(cf=INF)", ("cf is inf",)),
    ('ipd_contribution(cf="1.33")', ("cf is '1.33'",)),
    ("chicken(init_std=NAN)", ("init_std is nan",)),
    ('matching_pennies(payoffs="pennies")', ("hold something else",)),
    (
        "MatrixGame([[(3, 3), (0, 5)], [(5, 0), (1, 1)]])",
        ("cells", "are", "tuples,", "such", "as", "(3, 3)", ";", "moveaxis"),
    ),
    ("MatrixGame(np.zeros((3, 3, 2)))", ("shape", "(3, 3, 2)", "moveaxis")),
    ("MatrixGame(np.zeros((2, 2, 2), dtype=complex))", ("hold something else",)),
    ("MatrixGame(np.zeros((2, 2, 1)))", ("at least 2 actions",)),
    ('MatrixGame({"row": [[1]]})', ("hold something else",)),
    ("MatrixGame.bimatrix([[1, 2], [3, 4]], [[1, 2]])", ("(2, 2) and (1, 2)",)),
    ('MatrixGame.bimatrix([[1, 2], [3, 4]], "column")', ("column player's payoffs",)),
    ("MatrixGame.symmetric([[1, 2, 3], [3, 4, 5]])", ("(2, 3) and (3, 2)",)),
    ("MatrixGame(MatrixGame.symmetric([[1, 2], [3, 4]]))", ("The payoff tensor",)),
    ('Iterated("ipd")', ("stage is a str",)),
    ("Iterated(ipd())", ("stage is a Iterated",)),
    ("Iterated(STAGE, 0.9, memory=-1)", ("memory is -1",)),
    ("Repetition(STAGE, length=0)", ("length is 0",)),
    ("Repetition(STAGE, length=2.5)", ("length is 2.5",)),
    ('Repetition(STAGE, encoding="onehot")', ("did you mean 'one_hot'",)),
    ("Repetition(ipd())", ("stage is a Iterated",)),
    ("Smooth(3)", ("losses is 3",)),
    ("Smooth(lambda x: (x,), n_players=0)", ("n_players is 0",)),
    ("Smooth(lambda x, y: (x, y), init_std=-1)", ("init_std is -1",)),
    ('Smooth(lambda x, y: (x, y), ("a",))', ("'a' was given where a number",)),
    ("Smooth(lambda x, y: (x,)).values((Z(1), Z(1)))", ("1", "losses", "2", "players")),
    ("Quadratic([[1, 2], [3, 4]])", ("must be (n, d, d)",)),
    ("Quadratic(np.zeros((2, 2, 2)), vectors=[1, 2])", ("vectors have shape (2,)",)),
    ("Quadratic(np.zeros((2, 2, 2)), sizes=(3,))", ("sizes is (3,)",)),
    ('Quadratic(np.zeros((2, 2, 2)), sizes="ab")', ("sizes is",)),
    ('tandem(init_std="x")', ("init_std is 'x'",)),
    ("similarity_dilemma(noise=0)", ("noise is 0",)),
    ("similarity_dilemma(gain=0.5)", ("gain is 0.5",)),
    ("market_with_min(radius=-1)", ("radius is -1",)),
    ("ipd().values((Z(4), Z(5)))", ("Player 0's parameters have shape (4,)",)),
    ("ipd().values((Z(5),))", ("Parameters of 1 players",)),
    ('CoinGame.lola(egocentric="no")', ("egocentric", "is", "'no'", "True", "or", "False")),
    ("CoinGame.lola(egocentric=3)", ("egocentric is 3",)),
    ('CoinGame.lola(ties="blue")', ("accepted: both, red",)),
    ("CoinGame.loqa(size=1)", ("size is 1",)),
    ("CoinGame.loqa(size=99)", ("size is 99",)),
    ('CoinGame.lola(length="long")', ("length is 'long'",)),
    ('ENVIRONMENTS.make("coin")', ("Unknown environment 'coin'",)),
    ("Sampled(ipd())", ("environment is a Iterated",)),
    ('Sampled("coin_lola")', ("environment is a str",)),
    ("Sampled(SMALL, batch=0)", ("batch is 0",)),
    ("Sampled(SMALL, discount=2)", ("discount is 2",)),
    ("Sampled(SMALL, steps=-3)", ("steps is -3",)),
    ('Sampled(SMALL, policy="gru")', ("policy is 'gru'",)),
    ('Sampled(SMALL, estimator="dice")', ("estimator is 'dice'",)),
    ('Dice("mean")', ("unknown baseline 'mean'",)),
    ('Surrogate("critic")', ("unknown baseline 'critic'",)),
    ("LoadedDice(decay=2)", ("decay is 2",)),
    ('PLAYABLE.make("ipd_rollout", estimator="dce")', ("Unknown estimator 'dce'; did you mean 'dice'",)),
    ("TablePolicy(init_std=-1)", ("init_std is -1",)),
    ("GruPolicy(width=0)", ("width is 0",)),
    ("GruPolicy(width=True)", ("width is True",)),
    ("MlpPolicy(hidden=(0,))", ("An entry of hidden is 0",)),
    ("MlpPolicy(hidden=16)", ("hidden is 16",)),
    ('policy("tfd")', ("Unknown strategy 'tfd'; did you mean",)),
    ('policy("extortion", chi=NAN)', ("chi is nan",)),
    ('policy("extortion", chi="3")', ("chi is '3'",)),
    ('policy("extortion", chi=0.5)', ("chi 0.5",)),
    ('policy("extortion", share=2)', ("share is 2",)),
    ('policy("extortion", discount=0)', ("discount is 0",)),
    ('policy("extortion", payoffs=[[1, 2], [3, 4]])', ("prisoner's dilemma",)),
    ('policy("generosity", chi=INF)', ("chi is inf",)),
    ('policy("random", p=1.2)', ("p is 1.2",)),
    ('policy("random", p="half")', ("p is 'half'",)),
    ('policy("random", q=0.5)', ("no setting 'q'",)),
    ('policy("joss", p=[0.9, 0.8])', ("must be one number",)),
    ('policy("gtft", payoffs=[[3, 0], [5]])', ("The payoffs",)),
    ("policy(3)", ("Unknown strategy 3",)),
    ("zero_determinant(3, 1, 0)", ("phi 0 is infeasible",)),
    ("zero_determinant(3, 1, NAN)", ("phi is nan",)),
    ('zero_determinant(3, 1, "a")', ("phi is 'a'",)),
    ("zero_determinant(3, 1, 0.1, discount=1.5)", ("discount is 1.5",)),
    ("zero_determinant(3, 1, 0.1, start=-1)", ("start is -1",)),
    ("zero_determinant(3, 9, 0.1)", ("kappa 9 is infeasible",)),
    ("Lola(lr=-1)", ("Lola: lr is -1",)),
    ("Lola(lr=INF)", ("Lola:", "lr", "is", "inf", "finite")),
    ("Lola(lr=NAN)", ("Lola: lr is nan",)),
    ("Lola(lr=True)", ("Lola: lr is True",)),
    ('Lola(lr="fast")', ("Lola: lr is 'fast'",)),
    ("Lola(lr=None)", ("Lola: lr is None",)),
    ("Lola(lr=[0.1, [0.2]])", ("Lola: lr is [0.1, [0.2]]",)),
    ("Lola(lr=1j)", ("Lola: lr is 1j",)),
    ('Lola(variant="exct")', ("did you mean 'exact'",)),
    ("Lola(steps=0)", ("Lola: steps is 0",)),
    ("Lola(steps=True)", ("Lola: steps is True",)),
    ("Lola(steps=1.5)", ("Lola: steps is 1.5",)),
    ('LEARNERS.make("lolla")', ("did you mean",)),
    ('LEARNERS.make("lola", rl=1)', ("no setting 'rl'; did you mean 'lr'",)),
    ('LEARNERS.make("q_learning", lr=10)', ("lr", "is", "10", "[0, 1]")),
    ('LEARNERS.make("wolf_phc", lr=1.5)', ("lr", "is", "1.5", "[0, 1]")),
    ('LEARNERS.make("q_learning", epsilon=2)', ("epsilon is 2",)),
    ("Hola(order=0)", ("order is 0",)),
    ("Pola(iterations=0)", ("iterations is 0",)),
    ('Pola(inner="steps")', ("did you mean 'step'",)),
    ("Sos(alignment=2)", ("alignment is 2",)),
    ("Loqa(temperature=0)", ("temperature is 0",)),
    ("Cgd(iterations=-1)", ("iterations is -1",)),
    ("Fixed(1.5)", ("1.5", "[0, 1]")),
    ('Fixed("tft")', ("probabilities is 'tft'",)),
    ('Fixed.named("tfft")', ("Unknown strategy",)),
    ('Naive(lr={"a": 1})', ("Naive: lr is {'a': 1}",)),
    ("Clipped(Naive(), norm=-1)", ("norm is -1",)),
    ("Clipped(Naive, norm=1)", ("inner",)),
    ('Clipped("naive")', ("inner",)),
    ("Frozen(Naive(), after=NAN)", ("after is nan",)),
    ("Frozen(3)", ("inner",)),
    ("EveryK(Naive(), k=0)", ("k", "is", "0")),
    ("EveryK(Naive(), k=2, offset=2)", ("offset is 2",)),
    ("EveryK(None, k=2)", ("inner",)),
    ('Alternating("lola")', ("inner",)),
    ('Optimized(Naive(), "adm")', ("did you mean 'adam'",)),
    ("Optimized(Naive(), lr=-1)", ("lr is -1",)),
    ('Optimized(Naive(), "adam", settings={"b3": 0.5})', ("no setting 'b3'",)),
    ('Optimized(Naive(), "adam", settings={"b1": "x"})', ("b1 is 'x'",)),
    ('Optimized(Naive(), "adam", settings={"b1": True})', ("b1 is True",)),
    ('Optimized(Lola, "adam")', ("inner",)),
    ("AgainstPast(Naive(), capacity=0)", ("capacity is 0",)),
    ("AgainstPast(Naive(), share=1.5)", ("share is 1.5",)),
    ('AgainstPast("naive")', ("inner",)),
    ("OpponentModel(Naive(), batches=0)", ("batches is 0",)),
    ('OpponentModel(Naive(), optimizer="adma")', ("unknown optimizer",)),
    ('OpponentModel("naive")', ("inner",)),
    ('Scripted([["a"]])', ("was given where a number",)),
    ("Scripted(3.0)", ("path has shape ()",)),
    ('play("idp", [Naive()] * 2)', ("Unknown game 'idp'; did you mean",)),
    ("play(3, [Naive()] * 2)", ("3 is no game",)),
    ("play(SMALL, [Naive()] * 2)", ("is", "an", "environment", "Sampled")),
    ("play(MatrixGame, [Naive()] * 2)", ("MatrixGame makes no game without settings",)),
    ("play(lambda: 3, [Naive()] * 2)", ("is no game",)),
    ("play(G, Lola(), Naive())", ("give a list with one learner per seat",)),
    ('play(G, "lola")', ("give a list with one learner per seat",)),
    ('play(G, ["lola"])', ("1 learners were given for 2 seats",)),
    ('play(G, ["lola", "niave"])', ("did you mean 'naive'",)),
    ("play(G, [Lola, 3])", ("3 is no learner",)),
    ("play(G, [Lola, None])", ("None is no learner",)),
    ("play(G, [Optimized, Naive])", ("Optimized makes no learner without settings",)),
    ("play(G, [Lola(lr=[0.1, 0.2]), Naive()])", ("lr", "has", "shape", "(2,)", "sweep(Lola,", "lr=[...])")),
    ("play(G, [Clipped(Lola(look_ahead=[0.1, 0.2])), Naive()])", ("look_ahead has shape (2,)",)),
    ('play(G, {"a": Naive(), "b": Naive()})', ("give a list",)),
    ("play(G, NN, 2**70)", ("seed is 1180591620717411303424",)),
    ("play(G, NN, 2**32)", ("seed is 4294967296",)),
    ("play(G, NN, -1)", ("seed is -1",)),
    ("play(G, NN, 1.5)", ("key is 1.5",)),
    ("play(G, NN, True)", ("key is True",)),
    ('play(G, NN, "7")', ("key is '7'",)),
    ("play(G, NN, None)", ("key is None",)),
    ("play(G, NN, 1, seed=2)", ("Both a seed and a key",)),
    ("play(G, NN, seed=2**40)", ("seed is 1099511627776",)),
    ("play(G, NN, jax.random.split(jax.random.key(0), 3))", ("key has shape (3,)",)),
    ("play(G, NN, jnp.zeros(3))", ("key is",)),
    ("play(G, NN, steps=0)", ("steps is 0",)),
    ("play(G, NN, steps=2.5)", ("steps is 2.5",)),
    ("play(G, NN, steps=True)", ("steps is True",)),
    ('play(G, NN, steps="10")', ("steps is '10'",)),
    ("play(G, NN, seeds=0)", ("seeds is 0",)),
    ("play(G, NN, seeds=[1, 2])", ("seeds is [1, 2]",)),
    ("play(G, NN, every=3, steps=10)", ("every", "is", "3", "divide")),
    ("play(G, NN, every=0)", ("every is 0",)),
    ('play(G, NN, trajectory="yes")', ("trajectory is 'yes'",)),
    ("play(G, NN, params=(Z(4), Z(5)))", ("Player 0's parameters have shape (4,)",)),
    ("play(G, NN, params=(Z(7), Z(7)))", ("shape (7,)",)),
    ("play(G, NN, params=Z(5))", ("one entry per player",)),
    ("play(G, NN, params=(Z(5),))", ("one entry per player",)),
    ('play(G, NN, params=("a", "b"))', ("'a' was given where a number",)),
    ("play(G, NN, step=10)", ("unexpected keyword argument 'step'",)),
    ("play(G, [QLearning()] * 2)", ("has no episodes",)),
    ("play(G, [sweep(Lola, lr=[1.0, 2.0]), sweep(Lola, lr=[1.0, 2.0, 3.0])])", ("[2, 3] points",)),
    ("sweep(Lola, lr=0.1)", ("lr is 0.1",)),
    ("sweep(Lola())", ("is one already",)),
    ("sweep(Lola)", ("at least one setting",)),
    ("sweep(Lola, lr=[])", ("at least one number",)),
    ('sweep(Lola, lr="abc")', ("lr is 'abc'",)),
    ('sweep(Lola, lr=[0.1, "a"])', ("lr is 'a'",)),
    ("sweep(Lola, rl=[0.1])", ("no setting 'rl'; did you mean 'lr'",)),
    ('sweep(Lola, variant=["exact", "taylor"])', ("changes the algorithm",)),
    ('sweep("lolla", lr=[0.1])', ("did you mean",)),
    ("sweep(3, lr=[0.1])", ("3 is",)),
    ("sweep(dict, lr=[0.1])", ("makes no learners",)),
    ('tournament([], ["naive"])', ("needs games",)),
    ('tournament(["ipd"], [])', ("needs learners",)),
    ('tournament("ipd", ["naive"])', ("put it into brackets",)),
    ('tournament(["ipd"], "naive")', ("put it into brackets",)),
    ('tournament(G, ["naive"])', ("put it into brackets",)),
    ('tournament(["idp"], ["naive"])', ("did you mean",)),
    ('tournament(["ipd"], ["niave"])', ("did you mean",)),
    ('tournament(["ipd"], [3])', ("3 is no learner",)),
    ('tournament(["ipd"], [Lola(lr=[0.1, 0.2])])', ("lr has shape (2,)",)),
    ('tournament(["ipd", "ipd"], ["naive"])', ("'iterated_prisoners_dilemma' twice",)),
    ('tournament(["ipd"], ["naive", "naive"])', ("'naive", "twice")),
    ('tournament({"": "ipd"}, ["naive"])', ("must be text",)),
    ('tournament({1: "ipd"}, ["naive"])', ("must be text",)),
    ('tournament(["ipd"], ["naive"], seeds=0)', ("seeds is 0",)),
    ('tournament(["ipd"], ["naive"], seed=-1)', ("seed is -1",)),
    ('tournament(["ipd"], ["naive"], seed=2**32)', ("seed is 4294967296",)),
    ('tournament(["ipd"], ["naive"], seed=1.0)', ("seed is 1.0",)),
    ('tournament(["ipd"], ["naive"], key=-5)', ("seed is -5",)),
    ('tournament(["ipd"], ["naive"], steps=2**40)', ("steps is 1099511627776",)),
    ('tournament(["ipd"], ["naive"], grid={"naive.rate": [1]})', ("'rate'", "lr")),
    ('tournament(["ipd"], ["naive"], grid={"lola.lr": [1]})', ("'lola.lr'", "NAME.SETTING")),
    ('tournament(["ipd"], ["naive"], grid={"naive.lr": []})', ("naive.lr", "[0.1, 1]")),
    ('tournament(["ipd"], ["naive"], opponents=["niave"])', ("did you mean",)),
    ('tournament(["ipd"], ["naive"], curves=-1)', ("curves is -1",)),
    ('tournament(["ipd"], ["naive"], engine=print)', ("out=",)),
    ('tournament(["ipd"], ["q_learning"])', ("has no episodes",)),
    ('tournament(["ipd"], ["naive"], out="")', ("The folder is ''",)),
    ('tournament({"../x": "ipd"}, ["naive"], out=TMP)', ("'../x'",)),
    ("MatchTrainer(G, [Naive()])", ("1 learners were given for 2 seats",)),
    ('MatchTrainer("idp", NN)', ("did you mean",)),
    ("run(MatchTrainer(G, NN), iterations=0)", ("iterations is 0",)),
    ("run(MatchTrainer(G, NN), key=-1)", ("seed is -1",)),
    ('MfosTrainer(G, [None, "niave"])', ("did you mean",)),
    ("MfosTrainer(G, [Naive()] * 2)", ("No seat is open",)),
    ("run(MfosTrainer(G, [None, Naive()], width=0))", ("width is 0",)),
    ("MfosTrainer(G, [None, Naive()], anneal=2)", ("anneal is 2",)),
    ('MfosTrainer(G, [None, Naive()], "ppo")', ("method is 'ppo'",)),
    ("run(MfosTrainer(G, [None, Naive()], steps=2), iterations=-1)", ("iterations is -1",)),
    ("MfosTrainer(G, [None, Naive()], mf.Ppo(length=3), steps=2)", ("3 steps of a meta-game of 2",)),
    ("MmamlTrainer(G, [None, Naive()], lr=-1)", ("lr is -1",)),
    ('MmamlTrainer(G, [None, Naive()], terms="some")', ("terms 'some'",)),
    ("MmamlTrainer(G, [None, None])", ("one open seat",)),
    ("MmamlTrainer(G, [None, Naive()], lanes=0)", ("lanes is 0",)),
    ("MevaTrainer(G, [Naive()] * 2)", ("open",)),
    ('MevaTrainer(G, [None, Naive()], {"width": 8})', ("width is",)),
    ("run(MevaTrainer(G, [None] * 2), iterations=0)", ("iterations is 0",)),
    ("MevaTrainer(G, [None] * 2, lr=-1)", ("lr is -1",)),
    ("MevaTrainer(G, [None] * 2, lr=INF)", ("lr is inf",)),
    ("MevaTrainer(G, [None] * 2, target=1.5)", ("target is 1.5",)),
    ("MevaTrainer(G, [None] * 2, steps=10, stride=3)", ("stride is 3",)),
    ("MevaTrainer(G, [None] * 2, width=0)", ("width is 0",)),
    ("ColaTrainer(G, hidden=(0,))", ("An entry of hidden is 0",)),
    ("ColaTrainer(G, hidden=16)", ("hidden is 16",)),
    ("ColaTrainer(G, lr=-1)", ("lr is -1",)),
    ("ColaTrainer(G, bound=INF)", ("bound is inf",)),
    ('ColaTrainer(G, activation="sin")', ("activation 'sin'",)),
    ('ColaTrainer(G, clamp="yes")', ("clamp is 'yes'",)),
    ("ColaTrainer(G, seeds=0)", ("seeds is 0",)),
    ('ColaTrainer(G, {"lr": 1})', ("learners are",)),
    ("GradientTrainer(G, Z(5))", ("has 2 players",)),
    (
        "run(GradientTrainer(MetaGame(G, [None, Naive()], steps=2), Naive()), iterations=0)",
        ("iterations is 0",),
    ),
    ("GradientTrainer(MetaGame(G, [None, Naive()], steps=2), Naive(), lr=-1)", ("lr is -1",)),
    ('train("lolla", G, [None] * 2, {}, out=TMP)', ("no training of the learner 'lolla'",)),
    (
        'train("cola", tandem(), [None] * 2, {"hiden": (4,)}, out=TMP)',
        ("no setting 'hiden'; did you mean 'hidden'",),
    ),
    ('train("mfos", G, [None, Naive()], {"widht": 4}, out=TMP)', ("did you mean 'width'",)),
    ('train("mfos", G, [None, Naive()], {"width": 0}, out=TMP)', ("width is 0",)),
    ('train("mfos", G, [None, Naive()], {"method": "pppo"}, out=TMP)', ("Unknown method 'pppo'",)),
    ('train("meva", G, [None] * 2, {"blcks": 1}, out=TMP)', ("did you mean 'blocks'",)),
    ('train("ascent", G, [None, Naive()], {"width": -1}, out=TMP)', ("width is -1",)),
    ('train("ascent", G, [None, Naive()], {"wdth": 1}, out=TMP)', ("did you mean 'width'",)),
    ('train("ascent", G, [None, Naive()], {"lr": -1}, out=TMP)', ("lr is -1",)),
    ('train("mmaml", G, [None, Naive()], {"lanse": 1}, out=TMP)', ("did you mean 'lanes'",)),
    ('train("lola", G, [None] * 2, {"rl": 1, "iterations": 2}, out=TMP)', ("did you mean 'lr'",)),
    ('train("cola", tandem(), [None] * 2, {}, seed=-1, out=TMP)', ("seed is -1",)),
    ('train("cola", tandem(), [None] * 2, {}, out="")', ("folder",)),
    ('train("cola", tandem(), [None] * 2, {}, out=TMP, resume=True, force=True)', ("give one of the two",)),
    ('train("cola", tandem(), [None] * 2, [1], out=TMP)', ("settings is [1]",)),
    ("MetaGame(G, [Naive()] * 2)", ("No seat is open",)),
    ("MetaGame(G, [None])", ("1 learners were given for 2 seats",)),
    ("MetaGame(G, [None, 3])", ("3 is no learner",)),
    ('MetaGame("idp", [None, Naive()])', ("did you mean",)),
    ("MetaGame(G, [None, Naive()], steps=0)", ("steps is 0",)),
    ("MetaGame(G, [None, Naive()], warm_up=-1)", ("warm_up is -1",)),
    ("bounded(MetaGame(G, [None, Naive()]), -1)", ("most is -1",)),
    ("bounded(G)", ("MetaGame",)),
    ("LEARNERS.make('cola')", ("trained", "file:FOLDER")),
    ("play(G, ['mfos', 'naive'])", ("trained", "shaping train --learner mfos")),
    ("run(Naive())", ("Naive", "is no trainer")),
    ("mf.Ppo(lr=-1)", ("Ppo: lr is -1",)),
    ("mf.Ppo(epochs=0)", ("epochs is 0",)),
    ('mf.Es(weighting="rank")', ("did you mean 'ranks'",)),
    ("mf.Es(sigma=INF)", ("sigma is inf",)),
    ("mf.Ga(parents=9, population=8)", ("parents is 9",)),
    (
        'PolicyTrainer(MetaGame(G, [None, Naive()], steps=2), mf.gaussian(10, 5), "pppo")',
        ("Unknown method 'pppo'",),
    ),
    (
        "run(PolicyTrainer(MetaGame(G, [None, Naive()], steps=2), mf.gaussian(10, 5)), iterations=0)",
        ("iterations is 0",),
    ),
    (
        "run(PolicyTrainer(MetaGame(G, [None, Naive()], steps=2), mf.gaussian(10, 5)), key=2**33)",
        ("seed is 8589934592",),
    ),
    ("PolicyTrainer(G, mf.gaussian(10, 5))", ("environment",)),
    ("mf.gaussian(10, 5, width=0)", ("width is 0",)),
    ("mf.gaussian(10, 5, depth=-1)", ("depth is -1",)),
    ('checkpoint.load(TMP, "ipd")', ("no trained learner",)),
    ('checkpoint.load(KEPT, "idp")', ("did you mean",)),
    ('checkpoint.load(KEPT, "ipd")', ("was trained for 'tandem', not 'iterated_prisoners_dilemma'",)),
    ('checkpoint.load("")', ("folder",)),
    ("checkpoint.load(3)", ("folder is 3",)),
    ('checkpoint.save("lola", TMP, game=G)', ("no learner",)),
    ('checkpoint.save(Lola(), "", game=G)', ("folder",)),
    ("checkpoint.save(Lola(), TMP, game=3)", ("3 is no game",)),
    ("checkpoint.load_state(KEPT, ())", ("finished",)),
    ('solve("chiken")', ("did you mean",)),
    ('solve("ipd")', ("is a repeated game",)),
    ("solve(ipd)", ("is a repeated game",)),
    ('solve("tandem")', ("not a matrix game",)),
    ("solve(3)", ("The payoffs",)),
    ("solve([[1, 2], [3, 4]])", ("(2, 2)",)),
    ("solve([[(3, 3), (0, 5)], [(5, 0), (1, 1)]])", ("cells are tuples",)),
    ('solve("chicken", "vertx")', ("did you mean 'vertex'",)),
    ('solve("chicken", "vertex", exct=True)', ("no setting 'exct'",)),
    ('solve("chicken", "zero_sum")', ("sum to a constant",)),
    ('solve("chicken", "logit", exact=True)', ("floating point",)),
    ('solve("chicken", "polynomial", seed=-1)', ("seed is -1",)),
    ('solve("chicken", "polynomial", starts=0)', ("starts is 0",)),
    ("solve([[[1, NAN], [0, 0]], [[1, 0], [0, 1]]])", ("finite numbers",)),
    ('solve([[["x", 1], [0, 0]], [[1, 0], [0, 1]]])', ("'x' is no number",)),
    ("learn(PENNIES, FictitiousPlay(), steps=0)", ("steps is 0",)),
    ("learn(PENNIES, FictitiousPlay(), key=-1)", ("seed is -1",)),
    ('learn(PENNIES, "fictitious_play")', ("rule is 'fictitious_play'",)),
    ("learn(PENNIES, FictitiousPlay(), tolerance=-1)", ("tolerance is -1",)),
    ("learn(PENNIES, FictitiousPlay(), every=3, steps=10)", ("every is 3",)),
    ("learn([[1, 2], [3, 4]], FictitiousPlay())", ("shape (2, 2)",)),
    ("quantal_response(PENNIES, [-1.0])", ("A precision is -1",)),
    ("quantal_response(PENNIES, 1.0)", ("precisions",)),
    ('quantal_response(PENNIES, ["a"])', ("list of precisions", "numbers")),
    ("quantal_response(PENNIES, [1.0], max_steps=0)", ("max_steps is 0",)),
    ('evolve(PENNIES, "replicatr", ([0.5, 0.5], [0.5, 0.5]), [0.0, 1.0])', ("replicatr",)),
    ("evolve(PENNIES, Replicator(), ([0.5, 0.5],), [0.0, 1.0])", ("start",)),
    ("evolve(PENNIES, Replicator(), ([0.5, 0.5], [0.5, 0.5]), [1.0, 0.0])", ("times",)),
    ("fixed_points(tandem(), 0)", ("starts is 0",)),
    ("fixed_points(tandem(), 4, merge=-1)", ("merge is -1",)),
    ("fixed_points(tandem(), 4, key=-1)", ("seed is -1",)),
    ('fixed_points("tndem", 4)', ("did you mean",)),
    ('alpha_rank("chicken", alpha=-1)', ("alpha is -1",)),
    ('alpha_rank("chicken", population_size=1)', ("population_size is 1",)),
    ('equilibrium_discounts("chicken", ("tft",))', ("strategies",)),
    ('equilibrium_discounts("chicken", ("tft", "tfft"))', ("did you mean",)),
    ('is_nash("ipd", ("tft", "tfft"))', ("did you mean",)),
    ('is_nash(3, ("tft", "tft"))', ("game",)),
    ("simulate_fixation([[0, 0], [0, 0]], [1, 1], -1)", ("seed is -1",)),
    ("simulate_fixation([[0, 0], [0, 0]], [1, 1], samples=0)", ("samples is 0",)),
    ("simulate_fixation([[0, 0], [0, 0]], [1, 0])", ("start is [1, 0]",)),
    ("curves(swept())", ("sweep",)),
    ("curves(3)", ("match",)),
    ("heatmap(match())", ("tournament",)),
    ("heatmap(cells(table()))", ("tidy",)),
    ('heatmap(table(), "values")', ("'values'", "did", "you", "mean", "'value'")),
    ("cells(match())", ("tournament",)),
    ('cells(table(), "valu")', ("did you mean 'value'",)),
    ('cells(table().drop(columns="ok"))', ("ok",)),
    ("standings(3)", ("tournament",)),
    ('standings(table(), "p")', ("'p'",)),
    ('estimate(["a"])', ("numbers",)),
    ("estimate([[1.0, 2.0]])", ("one number per lane",)),
    ("estimate([1.0], [True, False])", ("1", "2")),
    ('plots.save(3, TMP + "/x.png")', ("figure",)),
    ('plots.save(curves(match()), TMP + "/x.xyz")', ("xyz",)),
    ("evaluate(SMALL, [(Z(5), Z(5))], key=-1)", ("seed is -1",)),
    ("evaluate(SMALL, [(Z(5), Z(5))], episodes=0)", ("episodes is 0",)),
    ('evaluate(SMALL, [(Z(5), Z(5))], opponents=["tft_"])', ("did you mean",)),
    ("evaluate(SMALL, [])", ("no run",)),
    ("evaluate(SMALL, [(Z(5),)])", ("both players",)),
    ('evaluate("ipd_rolout", [(Z(5), Z(5))])', ("did you mean",)),
    ("evaluate(G, [(Z(5), Z(5))])", ("environment",)),
    ('Store("", {}, ("ipd",))', ("folder",)),
    ('Store(TMP, {}, ("../x",))', ("'../x'",)),
    ('bibtex("foerster2018lol")', ("did you mean",)),
    ('make("tandm")', ("did you mean",)),
    ('make("tandem", seed=2**32, out=TMP)', ("seed is 4294967296",)),
    ('make("tandem", preset="papr", out=TMP)', ("papr",)),
    ('make("tandem", width="nurips", out=TMP)', ("nurips",)),
]


def refusal(call, folder):
    """What a call raises."""
    checkpoint.save(Lola(), folder / "kept", game=games.tandem())
    (folder / "empty").mkdir()
    names = KNOWN | {"TMP": str(folder / "empty"), "KEPT": str(folder / "kept")}
    with pytest.raises((ValueError, TypeError)) as refused:
        eval(call, names)
    assert not list((folder / "empty").iterdir())
    return refused.value


def check(call, words, folder):
    """One sentence with these words, from one of our own lines, or from Python where an argument has no such name."""
    error = refusal(call, folder)
    says = str(error)
    assert "\n" not in says
    for word in words:
        assert word in says
    place = traceback.extract_tb(error.__traceback__)[-1].filename
    assert place.startswith(OURS) or "unexpected keyword argument" in says


@pytest.mark.parametrize(("call", "words"), CALLS[::9], ids=[call for call, _ in CALLS[::9]])
def test_a_bad_call_is_refused_in_one_sentence(call, words, tmp_path):
    check(call, words, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("call", "words"), CALLS, ids=[call for call, _ in CALLS])
def test_every_bad_call_is_refused_in_one_sentence(call, words, tmp_path):
    check(call, words, tmp_path)


def test_the_calls_are_many_and_differ():
    assert len({call for call, _ in CALLS}) == len(CALLS) >= 150
