"""The gradient of a whole match in three terms: current policy, own learning, and peer learning."""

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Key, PyTree

from games.base import Own
from games.compiler import filter_jit
from games.registry import nearest
from shaping.base import Learner, View, replaced
from shaping.meta.game import MetaGame

CROSSING = ("peer", "own")
"""Terms to which influence through the peers on own later parameters may be assigned."""


class Terms(NamedTuple):
    """Three terms, whose sum is the gradient of a match's value; each has the structure of the player.

    Attributes:
        current: the gradient through the initial policy.
        own: the gradient through the own later parameters.
        peer: the gradient through the peers' later parameters.
    """

    current: PyTree
    own: PyTree
    peer: PyTree


class Detached(Learner):
    """A learner whose steps are constants under differentiation.

    A match against detached peers has the gradient of Meta-PG, which takes the peers' learning as a part of
    the environment.

    Args:
        learner: the learner.

    Source:
        Al-Shedivat et al. 2018, "Continuous adaptation via meta-learning in nonstationary and competitive
        environments", equation 4.
    """

    learner: Learner

    @property
    def label(self) -> str:
        """The label of the learner."""
        return self.learner.label

    def start(self, view: View) -> Own:
        """The start of the learner."""
        return jax.lax.stop_gradient(self.learner.start(view))

    def init(self, view: View) -> PyTree:
        """The state of the learner."""
        return jax.lax.stop_gradient(self.learner.init(view))

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The step of the learner."""
        return jax.lax.stop_gradient(self.learner.update(state, view))


def detached(meta: MetaGame) -> MetaGame:
    """The same meta-game, in which the co-players' steps are constants under differentiation."""
    return dataclasses.replace(meta, learners=[None if x is None else Detached(x) for x in meta.learners])


def chain_terms(
    meta: MetaGame, player: Any, key: Key[Array, ""] | None = None, *, crossing: str = "peer"
) -> Terms:
    r"""The gradient of a match's value with respect to the player's learner, in the three terms of Meta-MAPG.

    With own parameters $\phi_t$ and the peers' $\theta_t$, from which the learning rules compute $\phi_{t+1}$ and
    $\theta_{t+1}$, the value of L updates is $J = \frac{1}{L+1} \sum_{t=0}^{L} V(\phi_t, \theta_t)$, and

    $$\nabla J = \frac{1}{L+1} \Big[ \underbrace{\nabla_\phi V(\phi_0, \theta_0)}_{\text{current}}
    + \sum_{t=1}^{L} \underbrace{\frac{d\phi_t}{d\phi_0}^\top \nabla_\phi V(\phi_t, \theta_t)}_{\text{own
    learning}} + \sum_{t=1}^{L} \underbrace{\frac{d\theta_t}{d\phi_0}^\top \nabla_\theta V(\phi_t,
    \theta_t)}_{\text{peer learning}} \Big].$$

    From the second update on, some influence passes through both: $\phi_0$ changes $\theta_1$, which changes
    $\phi_2$. With `crossing="own"` it belongs to the own term, as above and in the theorem as it is written,
    where $d\phi_t/d\phi_0$ is the total derivative. With `crossing="peer"` the own term holds the peers'
    parameters constant in $d\phi_t/d\phi_0$ too, and all influence through a peer is the peer term: then `current + own` is
    the gradient of Meta-PG. The sum of the three is the same, and is exact.

    Every number of the player has three terms, for instance the step size of `Mmaml`. Values must be
    exact. On a sampled game the expectation of each value is estimated by one under DiCE, whose derivatives
    give the score functions of the theorem; the three terms follow as they do here.

    Args:
        meta: a meta-game with one open seat, no warm-up and L + 1 `steps`.
        player: the learner in the open seat, such as an `Mmaml`.
        key: randomness of the match, as in `MetaGame.values`.
        crossing: the term of influence through the peers on own parameters: `"peer"` or `"own"`.

    Returns:
        The terms, in the units of `meta.values`: un-normalized values, averaged over the L + 1 policies and
        the lanes.

    Raises:
        ValueError: for several open seats, a warm-up, or an unknown `crossing`.

    Source:
        Kim et al. 2021, "A policy gradient algorithm for learning to learn in multiagent reinforcement
        learning", theorem 1.

    Example:
        >>> from games import ipd
        >>> from shaping import Mmaml, Naive
        >>> meta = MetaGame(ipd(), [None, Naive()], steps=2, warm_up=0)
        >>> terms = chain_terms(meta, Mmaml(jnp.zeros(5), 0.5))
        >>> terms.peer.logits.shape, bool(terms.current.lr == 0)
        ((5,), True)
    """
    if crossing not in CROSSING:
        raise ValueError(f"Unknown crossing {crossing!r}; {nearest(crossing, CROSSING)}.")
    if meta.n_players != 1 or meta.warm_up != 0:
        raise ValueError(
            f"{meta.name!r} has {meta.n_players} open seats and {meta.warm_up} updates beforehand; the three terms are of one seat and of "
            "a start that is chosen: leave one seat open and set warm_up=0."
        )
    return _terms(meta, player, jax.random.key(0) if key is None else key, crossing)


@filter_jit
def _terms(meta: MetaGame, player: Any, key: Key[Array, ""], crossing: str) -> Terms:
    """`chain_terms`, compiled."""
    current = optax.tree.scale(
        1 / meta.steps, _gradient(dataclasses.replace(meta, steps=1).values, player, key)
    )
    alone = _gradient(
        detached(meta).values if crossing == "peer" else lambda p, k: _ending_in_own(meta, p, k), player, key
    )
    whole = _gradient(meta.values, player, key)
    return Terms(current, optax.tree.sub(alone, current), optax.tree.sub(whole, alone))


def _gradient(values: Any, player: Any, key: Key[Array, ""]) -> Any:
    """The gradient of the only player's value."""
    return eqx.filter_grad(lambda own: values((own,), key)[0])(player)


def _ending_in_own(meta: MetaGame, players: tuple[Any], key: Key[Array, ""]) -> Float[Array, " 1"]:
    """The value of a match with the peers' parameters constant in the values, but not in the updates."""
    (seat,) = meta.open

    def lane(n):
        key_ = jax.random.fold_in(key, n)
        path = meta.match(players, key_)[1]
        held = replaced(jax.lax.stop_gradient(path), seat, path[seat])
        return jax.vmap(lambda joint: meta.game.values(meta.game.split(joint), key_)[seat])(held).mean()

    return jax.vmap(lane)(jnp.arange(meta.lanes)).mean()[None]
