"""Learners that never learn: strategies, finite automata, scripted coin agents, and given parameters."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree

from games.agents.base import Agent
from games.agents.coin_scripted import COIN_AGENTS, CoinAgent
from games.base import Own
from games.checks import floating
from games.environments.coin import CoinGame
from games.exact.automata import OUTCOMES, Automaton, AutomatonGame, memory_one_automaton
from games.exact.iterated import Iterated
from games.exact.tables import CERTAIN, longer_memory_rows
from games.sampled.game import Sampled
from games.strategies.finite_automata import AUTOMATA, automaton
from games.strategies.named import STRATEGIES
from shaping.base import Learner, View

SCRIPTED = "coin:"
"""What the name of a scripted coin agent begins with in tournaments, as in `coin:tit_for_tat`."""


class Constant(Learner):
    """A learner whose every step is zero; its `start` gives the parameters of the whole match."""

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """No step."""
        return optax.tree.zeros_like(view.own), state


class Fixed(Constant):
    """Play one strategy, given by its probabilities, at every step.

    Args:
        probabilities: of action 0 after each history, `[start, CC, CD, DC, DD]` with memory one, each in [0,
            1]; a single number is used after every history. For players with two actions.
        name: what tables call it.

    Raises:
        ValueError: for a probability outside [0, 1]; when a match starts, for a table that does not fit the
            game's.

    Example:
        >>> from games import ipd
        >>> from shaping import Naive, play
        >>> match = play(ipd(), [Fixed([1, 1, 0, 1, 0], "tft"), Naive()], steps=3)
        >>> match.learners, match.params[0].tolist()
        (('tft', 'naive'), [[1000.0, 1000.0, -1000.0, 1000.0, -1000.0]])
    """

    probabilities: Float[Array, "..."] = eqx.field(converter=floating, metadata={"range": (0.0, 1.0)})
    name: str = eqx.field(static=True, default="fixed")

    @classmethod
    def named(cls, name: str, **settings: float) -> "Fixed":
        """The strategy of this name or alias in `games.strategies.named.STRATEGIES`.

        Args:
            name: such as `"tft"`.
            **settings: the strategy's own settings, such as `p` of `"joss"`.

        Raises:
            ValueError: for an unknown name or setting.

        Example:
            >>> Fixed.named("tit_for_tat").label
            'tft'
        """
        return cls(STRATEGIES.make(name, **settings), STRATEGIES.get(name).name)

    @property
    def label(self) -> str:
        """The strategy's name."""
        return self.name

    def start(self, view: View) -> Own:
        """The strategy's logits."""
        game, p = view.game, self.probabilities
        if isinstance(game, AutomatonGame):
            return game.policy(memory_one_automaton(jnp.broadcast_to(p, 1 + OUTCOMES)))
        if isinstance(view.own, dict):
            raise ValueError(
                f"The strategy {self.name!r} is a table, but player {view.seat} of {game.name!r} plays through another "
                "policy; let it play the game as it is."
            )
        own = jnp.asarray(view.own)
        if p.ndim == 1 and p.shape != own.shape and isinstance(game, Iterated):
            p = with_memory(p, game)
        if p.ndim > 0 and p.shape != own.shape:
            raise ValueError(
                f"The strategy {self.name!r} is a table of shape {p.shape}, but player {view.seat} of {game.name!r} has "
                f"parameters of shape {own.shape}; give one probability per history of a two-action player, or a single "
                "number for all of them."
            )
        return jnp.broadcast_to(jnp.clip(jnp.log(p) - jnp.log1p(-p), -CERTAIN, CERTAIN), own.shape).astype(
            own.dtype
        )


def with_memory(p: Float[Array, " rows"], game: Iterated) -> Float[Array, " histories"]:
    """A table of shorter memory as one of the game's memory; unchanged where it is none.

    Example:
        >>> from games import ipd
        >>> with_memory(jnp.arange(5.0), ipd(memory=2)).astype(int).tolist()[5:]
        [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]
    """
    for memory in range(1, game.memory):
        if len(p) == sum(game.n_outcomes**length for length in range(memory + 1)):
            return p[longer_memory_rows(game.n_outcomes, memory, game.memory)]
    return p


class FixedAutomaton(Constant):
    """Play a finite automaton at every step, in a game between automata such as `games.axelrod_tournament()`.

    Args:
        automaton: the automaton.
        name: what tables call it.

    Raises:
        ValueError: when a match starts, for a game that is not between automata, or an automaton with more
            states than the game allows.

    Example:
        >>> from games import axelrod_tournament
        >>> from shaping import play
        >>> players = [FixedAutomaton.named("tit_for_two_tats"), Fixed.named("alld")]
        >>> [round(float(v), 2) for v in play(axelrod_tournament(length=10), players, steps=1).values[0, -1]]
        [0.8, 1.8]
    """

    automaton: Automaton
    name: str = eqx.field(static=True, default="automaton")

    @classmethod
    def named(cls, name: str, **settings: float) -> "FixedAutomaton":
        """The automaton of this name or alias in `games.AUTOMATA`, or a memory-one strategy's in `STRATEGIES`.

        Raises:
            ValueError: for an unknown name or setting.

        Example:
            >>> FixedAutomaton.named("tf2t").label
            'tit_for_two_tats'
        """
        registry = AUTOMATA if name in AUTOMATA else STRATEGIES
        made = automaton(name, **settings)
        return cls(made, registry.get(name).name)

    @property
    def label(self) -> str:
        """The strategy's name."""
        return self.name

    def start(self, view: View) -> Own:
        """The automaton as parameters of the game."""
        if not isinstance(view.game, AutomatonGame):
            raise ValueError(
                f"{self.name!r} is a finite automaton, and {view.game.name!r} is no game between automata; let it play "
                "such a game, as axelrod_tournament or ipd_automata."
            )
        return view.game.policy(self.automaton)


class Settled(Constant):
    """Play the same parameters at every step.

    `shaping.training.MatchTrainer` returns its results in this form. It plays any game with parameters of the
    same structure and shapes.

    Args:
        own: the parameters of one seat.
        name: what tables call it.

    Raises:
        ValueError: when a match starts, for parameters of another form than the seat's.

    Example:
        >>> import jax.numpy as jnp
        >>> from games import ipd
        >>> from shaping import Naive, play
        >>> play(ipd(), [Settled(jnp.zeros(5), "mixed"), Naive()], steps=2).learners
        ('mixed', 'naive')
    """

    own: PyTree
    name: str = "settled"

    @property
    def label(self) -> str:
        """The given name."""
        return self.name

    def start(self, view: View) -> Own:
        """The parameters."""
        here, there = (jax.tree.map(lambda x: tuple(jnp.shape(x)), own) for own in (view.own, self.own))
        if jax.tree.structure(view.own) != jax.tree.structure(self.own) or here != there:
            raise ValueError(
                f"{self.name!r} was trained for parameters of another form than those of player {view.seat} of {view.game.name!r}; "
                "let it play the game it was trained on, with the same width."
            )
        return jax.tree.map(lambda x, old: x.astype(old.dtype), self.own, view.own)


class WithArray(Agent):
    """A scripted agent and an array that has no effect: batches need one array per player.

    Attributes:
        agent: the agent.
        unused: zero.
    """

    agent: CoinAgent
    unused: Float[Array, ""]

    def memory(self) -> PyTree[Array]:
        """The agent's memory at the start."""
        return self.agent.memory()

    def __call__(
        self, observation: PyTree[Array], memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The agent's logits and memory."""
        return self.agent(observation, memory)


class ScriptedCoinAgent(Constant):
    """Play one of `COIN_AGENTS` at every step, in sampled coin games.

    Args:
        name: the agent's name.

    Raises:
        ValueError: when a match starts, for another game.

    Example:
        >>> ScriptedCoinAgent("tit_for_tat").label
        'coin:tit_for_tat'
    """

    name: str = eqx.field(static=True)

    def __check_init__(self):
        COIN_AGENTS.get(self.name)

    @property
    def label(self) -> str:
        """The agent's name with `coin:` before it."""
        return SCRIPTED + COIN_AGENTS.get(self.name).name

    def start(self, view: View) -> WithArray:
        """The agent for this seat."""
        environment = view.game.environment if isinstance(view.game, Sampled) else None
        if not isinstance(environment, CoinGame):
            raise ValueError(
                f"{self.label!r} plays the coin game alone, and {view.game.name!r} is another; let it play one such as coin_lola."
            )
        return WithArray(COIN_AGENTS.make(self.name, game=environment, player=view.seat), jnp.zeros(()))
