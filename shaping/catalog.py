"""The registry of learners."""

import functools
from collections.abc import Callable
from typing import Any

from games.registry import Entry, Registry
from games.strategies.finite_automata import AUTOMATA
from games.strategies.named import STRATEGIES
from shaping.base import Learner
from shaping.learners.advantage_alignment import AdvantageAlignment
from shaping.learners.cgd import Cgd
from shaping.learners.cola import Cola
from shaping.learners.consensus import Consensus
from shaping.learners.extragradient import Extragradient
from shaping.learners.fixed import Fixed, FixedAutomaton
from shaping.learners.hola import Hola
from shaping.learners.lola import Lola
from shaping.learners.lookahead import LookAhead
from shaping.learners.loqa import Loqa
from shaping.learners.lss import Lss
from shaping.learners.meva import Meva
from shaping.learners.mfos import Mfos
from shaping.learners.mmaml import Mmaml
from shaping.learners.naive import Naive
from shaping.learners.optimistic import Optimistic
from shaping.learners.phc import Phc
from shaping.learners.pola import Pola
from shaping.learners.pola_dice import PolaDice
from shaping.learners.ppo import Ppo
from shaping.learners.q_learning import QLearning
from shaping.learners.sga import Sga
from shaping.learners.sos import Sos
from shaping.wrappers.basic import Alternating
from shaping.wrappers.opponent_model import OpponentModel

LEARNERS = Registry("learner")
"""All learners.

Facts of an entry: `learns` (False for fixed strategies); `look_ahead` (the setting that makes it naive at 0, or
None); `keeps_fixed_points` (whether it stays wherever every gradient vanishes); `simultaneous` (False if players
step in turn); `sampled` (whether it learns from episodes, and so plays sampled
games alone, unless `anywhere`); `tabular` (whether it keeps a table of action values, and so plays with tables
alone); `trained` (whether it plays only after a training by `shaping.training.TRAINERS`; making one by its name
is refused); `automaton` (whether it plays games between finite automata alone).
"""


def enter(
    name: str,
    make: Callable[..., Learner],
    summary: str,
    citation: str,
    *aliases: str,
    also: tuple[str, ...] = (),
    **facts: Any,
) -> None:
    """Enter a learner, with its facts, in the registry; `also` holds the keys of further papers."""
    known = {
        "learns": True,
        "look_ahead": None,
        "keeps_fixed_points": True,
        "simultaneous": True,
        "sampled": False,
        "anywhere": False,
        "tabular": False,
        "trained": False,
        "automaton": False,
    }
    LEARNERS.add(Entry(name, make, summary, citation, aliases, known | facts, also))


def lola_taylor(lr: float = 1.0, look_ahead: float = 1.0) -> Lola:
    """LOLA by the first-order expansion of the anticipated value, both factors differentiated."""
    return Lola(lr, look_ahead, "taylor")


def lola_original(lr: float = 1.0, look_ahead: float = 1.0) -> Lola:
    """LOLA by its shaping term alone, as first published."""
    return Lola(lr, look_ahead, "original")


def joint_q(lr: float = 0.01, decay: float = 1e-4, epsilon: float = 0.05, spread: float = 1.0) -> QLearning:
    """Q-learning on joint actions, with the others' frequencies."""
    return QLearning(lr, decay, epsilon, spread, "joint")


def wolf_phc(
    lr: float = 0.01,
    decay: float = 1e-4,
    delta: float = 0.01,
    delta_decay: float = 5e-5,
    losing: float = 2.0,
    spread: float = 1.0,
) -> Phc:
    """Policy hill-climbing at two rates, with the tournament's settings."""
    return Phc(lr, decay, delta, delta_decay, losing, spread, "wolf")


def alternating(lr: float = 1.0) -> Alternating:
    """Naive learners that step in turn."""
    return Alternating(Naive(lr))


def lola_dice_adam(
    lr: float = 0.003,
    look_ahead: float = 0.05,
    critic: float = 1 / 6,
    inner_critic: float = 0.05,
    inner_steps: int = 1,
    moments: str = "kept",
) -> PolaDice:
    """LOLA-DiCE with Adam and critics, as in the POLA paper's code, which resets Adam's moments."""
    return PolaDice(lr, look_ahead, 0.0, 0.0, critic, inner_critic, inner_steps, 1, moments)


def pola_om(
    lr: float = 0.003,
    look_ahead: float = 0.005,
    penalty: float = 100.0,
    inner_penalty: float = 10.0,
    critic: float = 1 / 6,
    inner_critic: float = 0.05,
    inner_steps: int = 2,
    steps: int = 200,
    moments: str = "kept",
    batches: int = 200,
) -> OpponentModel:
    """POLA-DiCE against models fitted to that many batches of episodes before every update."""
    inner = PolaDice(
        lr, look_ahead, penalty, inner_penalty, critic, inner_critic, inner_steps, steps, moments
    )
    return OpponentModel(inner, batches=batches)


def fixed(strategy: Entry, kind: type[Fixed] | type[FixedAutomaton] = Fixed) -> Callable[..., Learner]:
    """What makes a strategy's learner, with the strategy's own settings."""

    @functools.wraps(strategy.make)
    def make(**settings: Any) -> Learner:
        return kind.named(strategy.name, **settings)

    return make


def untrained(name: str, kind: type[Learner]) -> Callable[..., Learner]:
    """A function that refuses to make a trained learner by its name, with the settings of its class."""

    @functools.wraps(kind, updated=())
    def make(*_: Any, **__: Any) -> Learner:
        raise ValueError(
            f"The learner {name!r} is trained before it plays; train it by shaping train --learner {name}, or by "
            f"shaping.training.train({name!r}, ...), and name the folder it is in, as file:FOLDER."
        )

    return make


def enter_trained(
    name: str, kind: type[Learner], summary: str, citation: str, *aliases: str, also: tuple[str, ...] = ()
) -> None:
    """Enter a learner that plays only after a training."""
    make = untrained(name, kind)
    enter(name, make, summary, citation, *aliases, also=also, trained=True, keeps_fixed_points=False)


LOOKS: Any = {"look_ahead": "look_ahead"}
SHAPES: Any = LOOKS | {"keeps_fixed_points": False}

enter(
    "naive",
    Naive,
    "Gradient ascent on one's own value, the others held fixed; on a sampled game, policy gradient.",
    "foerster2018lola",
    "nl",
    "gradient",
    "policy_gradient",
)
enter(
    "lookahead",
    LookAhead,
    "Gradient ascent against the others' next naive step, which is not differentiated.",
    "zhang2010lookahead",
    "la",
    "lcgd",
    also=("letcher2019sos",),
    **LOOKS,
)
enter(
    "lola",
    Lola,
    "Gradient ascent on the value after the others' next naive step, which is differentiated exactly.",
    "foerster2018dice",
    "lola_exact",
    also=("foerster2018lola",),
    **SHAPES,
)
enter(
    "lola_taylor",
    lola_taylor,
    "LOLA by the first-order Taylor expansion, with both factors differentiated.",
    "letcher2019sos",
    also=("foerster2018lola",),
    **SHAPES,
)
enter(
    "lola_original",
    lola_original,
    "LOLA as first published: the naive gradient plus the shaping term.",
    "foerster2018lola",
    **SHAPES,
)
enter(
    "hola2",
    Hola,
    "Higher-order LOLA: LOLA against opponents modeled as LOLA learners; `order` sets the depth.",
    "willi2022cola",
    "hola",
    also=("foerster2018lola",),
    **SHAPES,
)
enter(
    "sos",
    Sos,
    "LookAhead plus as much of LOLA's shaping term as preserves LookAhead's direction and fixed points.",
    "letcher2019sos",
    **LOOKS,
)
enter(
    "pola",
    Pola,
    "LOLA with a proximal penalty on the change of the policy, solved to a tolerance.",
    "zhao2022pola",
    keeps_fixed_points=False,
)
enter(
    "consensus",
    Consensus,
    "Gradient ascent plus a penalty on the norm of all players' gradients.",
    "mescheder2017numerics",
    "co",
)
enter("sga", Sga, "Correct the simultaneous gradient for its rotation.", "balduzzi2018mechanics")
enter(
    "extragradient",
    Extragradient,
    "Step along the gradient evaluated after one simultaneous naive step.",
    "korpelevich1976extragradient",
    "eg",
)
enter(
    "optimistic",
    Optimistic,
    "Gradient ascent with the gradient extrapolated from its last change.",
    "daskalakis2018optimism",
    "omd",
    "ogd",
)
enter("cgd", Cgd, "Step to the equilibrium of the locally bilinear game.", "schaefer2019cgd", **LOOKS)
enter("lss", Lss, "Cut the rotation out of the simultaneous gradient.", "mazumdar2019lss")
enter(
    "alternating",
    alternating,
    "Naive learners that update in turn instead of simultaneously.",
    "letcher2019sos",
    "alt",
    simultaneous=False,
)
enter(
    "loqa",
    Loqa,
    "Policy gradient through a model in which the others follow their action values.",
    "aghajohari2024loqa",
    keeps_fixed_points=False,
    sampled=True,
)
enter(
    "advantage_alignment",
    AdvantageAlignment,
    "Policy gradient with the others' advantages weighted by one's own earlier advantages.",
    "duque2025alignment",
    "aa",
    keeps_fixed_points=False,
    sampled=True,
)

enter(
    "pola_dice",
    PolaDice,
    "POLA-DiCE: POLA with a fixed number of inner and outer steps on sampled episodes.",
    "zhao2022pola",
    keeps_fixed_points=False,
    sampled=True,
    anywhere=True,
)
enter(
    "pola_om",
    pola_om,
    "POLA-DiCE against models of the others that are fitted to their observed actions.",
    "zhao2022pola",
    also=("foerster2018lola",),
    keeps_fixed_points=False,
    sampled=True,
)
enter(
    "lola_dice_adam",
    lola_dice_adam,
    "LOLA-DiCE as in the POLA paper's code, with Adam and critics; LOLA-DiCE itself is lola on a sampled game.",
    "zhao2022pola",
    "lola_dice",
    also=("foerster2018dice",),
    keeps_fixed_points=False,
    sampled=True,
    anywhere=True,
)

EPISODES: Any = {"keeps_fixed_points": False, "sampled": True}
TABLES: Any = EPISODES | {"tabular": True}

enter(
    "ppo",
    Ppo,
    "Proximal policy optimization on one's own observations, actions and rewards.",
    "schulman2017ppo",
    also=("lu2022mfos",),
    **EPISODES,
)
enter(
    "q_learning",
    QLearning,
    "Independent Q-learning with epsilon-greedy exploration.",
    "watkins1992q",
    "nl_q",
    **TABLES,
)
enter(
    "jal_q",
    joint_q,
    "Q-learning on joint actions, with the others' frequencies.",
    "claus1998dynamics",
    "joint_q",
    also=("watkins1992q",),
    **TABLES,
)
enter(
    "phc",
    Phc,
    "Policy hill-climbing: move the policy towards the action with the highest Q value.",
    "bowling2002multiagent",
    **TABLES,
)
enter(
    "wolf_phc",
    wolf_phc,
    "WoLF policy hill-climbing: a small rate when winning, a large one when losing.",
    "bowling2002multiagent",
    "wolf",
    **TABLES,
)

enter_trained(
    "cola",
    Cola,
    "Consistent LOLA: networks trained so that each player's update anticipates the other's.",
    "willi2022cola",
)
enter_trained(
    "mfos",
    Mfos,
    "Model-free opponent shaping: a policy that chooses parameters, trained on whole matches.",
    "lu2022mfos",
)
enter_trained(
    "meva",
    Meva,
    "Gradient ascent on a learned meta-value: the discounted future values along everybody's learning.",
    "cooijmans2023meva",
)
enter_trained(
    "ascent",
    Mfos,
    "M-FOS's policy without noise, trained by the gradient through the match.",
    "lu2022mfos",
)
enter_trained(
    "mmaml",
    Mmaml,
    "A naive learner with a trained start and step size.",
    "lu2022mfos",
    also=("kim2021metamapg",),
)

for _strategy in STRATEGIES:
    enter(
        _strategy.name,
        fixed(_strategy),
        f"Fixed strategy: {_strategy.summary[:1].lower()}{_strategy.summary[1:]}",
        _strategy.citation,
        *_strategy.aliases,
        learns=False,
    )

for _strategy in AUTOMATA:
    enter(
        _strategy.name,
        fixed(_strategy, FixedAutomaton),
        f"Fixed automaton: {_strategy.summary[:1].lower()}{_strategy.summary[1:]}",
        _strategy.citation,
        *_strategy.aliases,
        learns=False,
        automaton=True,
    )
