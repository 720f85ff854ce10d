"""COLA: consistent learning with opponent-learning awareness, by trained networks."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Key, PyTree

from games.agents.base import Mlp
from games.base import Game, Joint, Own
from shaping.base import Learner, Scalar, View, number


class Cola(Learner):
    r"""Step along a direction given by a trained network: the gradient after the others' steps along theirs.

    $\theta_i \leftarrow \theta_i + a\, d_i(\theta)$, where networks trained by `shaping.training.ColaTrainer`
    give directions that approximately solve $d_i(\theta) = \nabla_i V_i(\theta_i, \theta_{-i} + b\,
    d_{-i}(\theta))$ for all players at once, over parameters in $[-I, I]$. They hold for the game and the
    look-ahead b that they were trained for.

    Args:
        networks: one per seat of the game.
        lr: own step $a$, at least 0.
        bound: $I$: the networks' inputs are clamped to $[-I, I]$; infinite for no clamp.

    Raises:
        ValueError: when a match starts, if the game's players or parameters are not those of the networks.

    Source:
        Willi et al. 2022, "COLA: consistent learning with opponent-learning awareness", section 4.3.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive, play
        >>> networks = new_networks(tandem(), jax.random.key(0), hidden=(8, 8), activation="relu")
        >>> play(tandem(), [Cola(networks, lr=0.1), Naive(0.1)], steps=2).learners
        ('cola', 'naive')
    """

    networks: tuple[Mlp, ...]
    lr: Scalar = number(1.0)
    bound: Scalar = number(float("inf"), infinite=True)

    def init(self, view: View) -> PyTree:
        """No state; the networks are checked against the game."""
        counts = tuple(ravel_pytree(own)[0].size for own in view.params)
        fits = tuple(
            (network.layers[0].in_features, network.layers[-1].out_features) for network in self.networks
        )
        if fits != tuple((sum(counts), own) for own in counts):
            raise ValueError(
                f"Cola: the networks are for {len(fits)} players with {tuple(own for _, own in fits)} parameters, but those of "
                f"{view.game.name!r} have {counts}; train networks for this game with ColaTrainer."
            )
        return ()

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The network's direction."""
        network = view.own_entry(self.networks)
        return optax.tree.scale(self.lr, self.direction(network, view.params, view.seat)), state

    def direction(self, network: Mlp, params: Joint, seat: int) -> Own:
        """The output of one network for one seat's parameters."""
        own, restore = ravel_pytree(params[seat])
        others = [ravel_pytree(p)[0] for j, p in enumerate(params) if j != seat]
        seen = jnp.clip(jnp.concatenate([own, *others]), -self.bound, self.bound)
        return restore(network.outputs(seen).astype(own.dtype))


def new_networks(
    game: Game,
    key: Key[Array, ""],
    *,
    hidden: Sequence[int] = (16, 16, 16),
    activation: str = "tanh",
    std: Scalar = 0.1,
) -> tuple[Mlp, ...]:
    """Untrained networks for every seat of a game.

    Args:
        game: the game.
        key: randomness; player i's network depends on the key and i alone.
        hidden: sizes of the hidden layers.
        activation: `"tanh"` or `"relu"`.
        std: standard deviation of the weights.
    """
    counts = [sum(leaf.size for leaf in jax.tree.leaves(own)) for own in jax.eval_shape(game.init, key)]
    return tuple(
        normal_network(jax.random.fold_in(key, i), (sum(counts), *hidden, count), activation, std)
        for i, count in enumerate(counts)
    )


def normal_network(key: Key[Array, ""], sizes: Sequence[int], activation: str, std: Scalar) -> Mlp:
    r"""A network with these layer sizes, from inputs to outputs: weights from $N(0, std^2)$, biases 0.

    Example:
        >>> normal_network(jax.random.key(0), (2, 8, 8, 1), "relu", 0.1).outputs(jnp.zeros(2)).tolist()
        [0.0]
    """
    layers = []
    for k, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        own = jax.random.fold_in(key, k)
        layer = eqx.nn.Linear(inputs, outputs, key=own)
        weights = std * jax.random.normal(own, (outputs, inputs)), jnp.zeros(outputs)
        layers.append(eqx.tree_at(lambda linear: (linear.weight, linear.bias), layer, weights))
    return Mlp(tuple(layers), activation)
