"""Rewards of trained players in episodes: with each other, across runs, and against scripted players."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import pandas as pd
from jaxtyping import Array, Float, Key, PyTree

from games.agents.base import Agent, agent
from games.agents.coin_scripted import COIN_AGENTS
from games.base import Environment, Joint
from games.checks import as_key, check_count
from games.compiler import filter_jit
from games.environments.catalog import ENVIRONMENTS
from games.environments.coin import CoinGame
from games.environments.repeated_matrix import Repetition
from games.sampled.episodes import Sample, sample
from games.strategies.named import policy

SCRIPTED = ("always_cooperate", "always_defect", "tit_for_tat", "random")
"""Scripted players that trained players meet besides each other."""


class MemoryOne(Agent):
    """A memory-one strategy of a repeated game with two actions, for any encoding of observations.

    Args:
        logits: logits of action 0 at the start and after every joint action, own action first.
        distinct: the observations in the same order; None where the observation is the row's number.
    """

    logits: Float[Array, " observations"]
    distinct: Float[Array, "observations *shape"] | None

    def __call__(
        self, observation: Array, memory: PyTree[Array]
    ) -> tuple[Float[Array, " outputs"], PyTree[Array]]:
        """The logits of both actions at this observation."""
        rows = jnp.arange(self.logits.shape[0])
        seen = (
            observation == rows
            if self.distinct is None
            else (observation[None] == self.distinct).all(axis=-1)
        )
        row = jnp.where(seen, self.logits, 0.0).sum()
        return jnp.stack([row, jnp.zeros_like(row)]), memory


def scripted(environment: Environment, name: str, seat: int) -> Any:
    """A scripted player of an environment.

    Args:
        environment: a coin game, or the repetition of a game of two players and two actions.
        name: a name in `COIN_AGENTS` or `STRATEGIES`.
        seat: the player's seat.

    Raises:
        ValueError: for another environment or an unknown name.
    """
    if isinstance(environment, CoinGame):
        return COIN_AGENTS.make(name, game=environment, player=seat)
    if isinstance(environment, Repetition) and environment.n_actions == (2, 2):
        return MemoryOne(policy(name), environment.distinct)
    raise ValueError(
        f"{environment.name!r} has no scripted players; take a coin game, or the repetition of a game of two players and two actions."
    )


def scripted_names(environment: Environment) -> tuple[str, ...]:
    """The names of `SCRIPTED` that can play here.

    Tit for tat must see which player took a coin, and egocentric observations of the coin game do not show it.

    Example:
        >>> scripted_names(CoinGame.lola(egocentric=True))
        ('always_cooperate', 'always_defect', 'random')
    """
    egocentric = isinstance(environment, CoinGame) and environment.egocentric
    return tuple(name for name in SCRIPTED if not (egocentric and name == "tit_for_tat"))


def evaluate(
    environment: Environment | Any,
    runs: Sequence[Joint],
    key: Key[Array, ""] | int = 0,
    *,
    episodes: int = 512,
    steps: int | None = None,
    opponents: Sequence[str] | None = None,
    seed: int | None = None,
) -> pd.DataFrame:
    """Mean undiscounted rewards per step of trained players; in a coin game, also their share of own coins.

    The two players of every run play with each other; the first player also plays with the second player of
    the next run; and each of them plays with every scripted player.

    Args:
        environment: a coin game, or the repetition of a game of two players and two actions; or its name in
            `ENVIRONMENTS`, or a factory.
        runs: the parameters of both players of every run.
        key: a seed or a typed key.
        episodes: number of episodes of every pairing, at least 1.
        steps: steps of an episode, at least 1; by default the environment's length.
        opponents: names of scripted players; by default all names of `SCRIPTED` that can play here.
        seed: another name of `key`.

    Returns:
        One row per run, opponent and seat: `run, opponent, seat, reward, reward_error, reward_other,
        own_coins, own_coins_error`. Errors are standard errors over the episodes of one run; the differences
        between runs are in the rows. `own_coins` is NaN in a game without coins.

    Raises:
        ValueError: for an environment without scripted players, an unknown opponent, or a count below 1.

    Example:
        >>> from games import ENVIRONMENTS
        >>> run = jnp.full(5, -9.0), jnp.full(5, -9.0)
        >>> table = evaluate(ENVIRONMENTS.make("ipd_rollout", length=4), [run], episodes=8)
        >>> table[["opponent", "seat"]].values.tolist()[:2], len(table)
        ([['self', 0], ['self', 1]], 10)
    """
    environment = ENVIRONMENTS.member(environment, Environment, "ENVIRONMENTS.make('coin_lola')")
    if not len(runs):
        raise ValueError(
            "There is no run to evaluate; give a list with the parameters of both players of every run."
        )
    if any(not isinstance(run, (tuple, list)) or len(run) != 2 for run in runs):
        raise ValueError(
            "A run is the parameters of both players, (first, second); give a list of such pairs."
        )
    check_count("episodes", episodes)
    length = int(getattr(environment, "length", 0)) if steps is None else steps
    check_count("steps", length)
    key = as_key(key, seed)
    pairings: list[tuple[int, str, tuple[int, ...], tuple[Any, Any]]] = []
    for number, run in enumerate(runs):
        own = agent(run[0]), agent(run[1])
        pairings.append((number, "self", (0, 1), own))
        if len(runs) > 1:
            pairings.append((number, "next run", (0,), (own[0], agent(runs[(number + 1) % len(runs)][1]))))
        for name in scripted_names(environment) if opponents is None else opponents:
            others = scripted(environment, name, 1), scripted(environment, name, 0)
            pairings += [(number, name, (0,), (own[0], others[0])), (number, name, (1,), (others[1], own[1]))]
    rows = []
    for n, (number, name, seats, agents) in enumerate(pairings):
        measured = _measures(environment, agents, jax.random.fold_in(key, n), episodes, length)
        rows += [
            {"run": number, "opponent": name, "seat": seat} | {k: float(v[seat]) for k, v in measured.items()}
            for seat in seats
        ]
    return pd.DataFrame(rows)


@filter_jit
def _measures(environment, agents, key, episodes: int, steps: int) -> dict[str, Float[Array, " n_players"]]:
    """The mean rewards and shares of own coins of both players of one pairing, with their standard errors."""
    played = sample(environment, agents, key, episodes, steps)
    earned = played.rewards.sum(axis=0) / played.alive.sum(axis=0)[:, None]
    mean = earned.mean(axis=0)
    found = {"reward": mean, "reward_error": standard_error(earned), "reward_other": mean[::-1]}
    own, taken = coins(played)
    share = own.sum(axis=0) / taken.sum(axis=0)
    error = standard_error(own - share[None] * taken) / taken.mean(
        axis=0
    )  # of a ratio of sums, to first order
    return found | {"own_coins": share, "own_coins_error": error}


def coins(played: Sample) -> tuple[Float[Array, "episodes n_players"], Float[Array, "episodes n_players"]]:
    """Numbers of own coins and of all coins that each player took in every episode; 0 without coins."""
    if "picked" not in played.info:
        zeros = jnp.zeros(played.rewards.shape[1:])
        return zeros, zeros
    picked = jnp.where(played.alive[..., None, None], played.info["picked"].astype(float), 0.0).sum(axis=0)
    return jnp.stack([picked[:, i, i] for i in range(picked.shape[1])], axis=-1), picked.sum(axis=-1)


def standard_error(x: Float[Array, "episodes n_players"]) -> Float[Array, " n_players"]:
    """The standard error of the mean over episodes."""
    return x.std(axis=0, ddof=1) / x.shape[0] ** 0.5
