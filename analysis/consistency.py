"""How consistent learners are with each other's steps, and how similar the steps of two rules are."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from games.base import Game, Joint, Own
from games.sampled.catalog import as_game
from shaping.arguments import as_learners
from shaping.base import Learner, Scalar, View
from shaping.calculus.consistency import Direction, anticipated, gaps


def direction_of(game: Game, learners: Sequence[Learner]) -> Direction:
    """The function from joint parameters and a seat to the first step of the learner in that seat."""

    def direction(params: Joint, seat: int) -> Own:
        view = View(game, params, seat)
        return learners[seat].update(learners[seat].init(view), view)[0]

    return direction


def directions(game: Game | Any, learners: Sequence[Learner | Any], params: Joint) -> Joint:
    """Every learner's first step at these joint parameters.

    Args:
        game: the game, its name, or a factory.
        learners: one per seat, in order, or their names, or classes.
        params: the joint parameters.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive
        >>> [d.tolist() for d in directions(tandem(), [Naive()] * 2, (jnp.array([0.25]), jnp.array([0.25])))]
        [[1.0], [1.0]]
    """
    game = as_game(game)
    direction = direction_of(game, as_learners(learners, game))
    return tuple(direction(params, seat) for seat in range(game.n_players))


def anticipated_gradients(
    game: Game | Any, learners: Sequence[Learner | Any], params: Joint, look_ahead: Scalar
) -> Joint:
    r"""Every player's gradient at the others' anticipated parameters.

    $\nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}(\theta))$ for every player i.

    Args:
        game: the game, its name, or a factory.
        learners: one per seat, in order, or their names, or classes; their first steps are $d$.
        params: the joint parameters $\theta$.
        look_ahead: $b$.

    Example:
        >>> from games import tandem
        >>> from shaping import Lola, Naive
        >>> at = (jnp.array([0.25]), jnp.array([0.25]))
        >>> anticipated_gradients(tandem(), [Naive()] * 2, at, 0.1) == directions(tandem(), [Lola(look_ahead=0.1)] * 2, at)
        True
    """
    game = as_game(game)
    direction = direction_of(game, as_learners(learners, game))
    return tuple(anticipated(game, direction, params, look_ahead, seat) for seat in range(game.n_players))


def consistency_loss(
    game: Game | Any, learners: Sequence[Learner | Any], params: Joint, look_ahead: Scalar
) -> Float[Array, ""]:
    r"""The consistency loss of learners at joint parameters.

    $C = \sum_i |d_i(\theta) - \nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}(\theta))|^2$

    It is 0 where every direction $d_i$ is the gradient given the others' *actual* directions, instead of a
    lower-order model of them. The gradient is a total derivative, through $d_{-i}$.

    Args:
        game: the game, its name, or a factory.
        learners: one per seat, in order, or their names, or classes; with `lr=1`, so that their steps are in
            units of the gradient.
        params: the joint parameters $\theta$.
        look_ahead: $b$.

    Returns:
        The loss, summed over players and parameters.

    Raises:
        ValueError: for what is no game, and for another number of learners than seats.

    Source:
        Willi et al. 2022, "COLA: consistent learning with opponent-learning awareness", section 4.

    Example:
        >>> from games import tandem
        >>> from shaping import Lola
        >>> at = (jnp.array([0.3]), jnp.array([0.1]))
        >>> round(consistency_loss(tandem(), [Lola()] * 2, at, 1.0).item(), 2)
        128.0
    """
    game = as_game(game)
    direction = direction_of(game, as_learners(learners, game))
    return jnp.asarray(optax.tree.norm(gaps(game, direction, params, look_ahead), squared=True))


def cosine(x: Joint, y: Joint) -> Float[Array, ""]:
    r"""The cosine $\langle x, y \rangle / (|x| |y|)$ over the entries of all players together.

    It is in [-1, 1], and NaN where x or y is 0. Between a rule's `directions` and its
    `anticipated_gradients` it is 1 where the rule is consistent.

    Example:
        >>> round(cosine((jnp.array([3.0]), jnp.array([0.0])), (jnp.array([3.0]), jnp.array([4.0]))).item(), 3)
        0.6
    """
    return jnp.asarray(optax.tree.vdot(x, y) / (optax.tree.norm(x) * optax.tree.norm(y)))


def cosine_similarity(
    game: Game | Any, learners: Sequence[Learner | Any], others: Sequence[Learner | Any], params: Joint
) -> Float[Array, ""]:
    """The cosine of the angle between the directions of two rules, over all players' parameters.

    Args:
        game: the game, its name, or a factory.
        learners: the first rule's learners, one per seat, or their names, or classes.
        others: the second rule's.
        params: the joint parameters.

    Returns:
        A number in [-1, 1]; NaN where a rule's step is 0.

    Source:
        Willi et al. 2022, "COLA: consistent learning with opponent-learning awareness", tables 1b, 2b and 3b:
        the mean over parameters drawn from the region that COLA was trained on.

    Example:
        >>> from games import tandem
        >>> from shaping import Lola, Naive
        >>> at = (jnp.array([0.3]), jnp.array([0.1]))
        >>> cosine_similarity(tandem(), [Lola(look_ahead=0.0)] * 2, [Naive()] * 2, at).round(3).item()
        1.0
    """
    return cosine(directions(game, learners, params), directions(game, others, params))
