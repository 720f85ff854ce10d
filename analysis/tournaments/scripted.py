"""Scripted agents of the coin game as learners that never learn."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from games.agents.base import Agent
from games.agents.coin_scripted import COIN_AGENTS, CoinAgent
from games.environments.coin import CoinGame
from games.sampled.game import Sampled
from shaping.base import View
from shaping.learners.fixed import Constant

PREFIX = "coin:"
"""What a scripted agent's name begins with in tournaments, as in `coin:tit_for_tat`."""


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


class Scripted(Constant):
    """Play one of `COIN_AGENTS` at every step, in sampled coin games.

    Args:
        name: the agent's name.

    Raises:
        ValueError: when a match starts, for another game.

    Example:
        >>> Scripted("tit_for_tat").label
        'coin:tit_for_tat'
    """

    name: str = eqx.field(static=True)

    def __check_init__(self):
        COIN_AGENTS.get(self.name)

    @property
    def label(self) -> str:
        """The agent's name with `coin:` before it."""
        return PREFIX + COIN_AGENTS.get(self.name).name

    def start(self, view: View) -> WithArray:
        """The agent for this seat."""
        environment = view.game.environment if isinstance(view.game, Sampled) else None
        if not isinstance(environment, CoinGame):
            raise ValueError(
                f"{self.label!r} plays the coin game alone, and {view.game.name!r} is another; let it play one such as coin_lola."
            )
        return WithArray(COIN_AGENTS.make(self.name, game=environment, player=view.seat), jnp.zeros(()))
