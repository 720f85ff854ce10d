"""Meta-value learning: ascend a learned value of everybody's future parameters."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, number
from shaping.networks.meta_value import ValueNetwork, rows


class Meva(Learner):
    r"""Ascend the own value and a learned meta-value.

    $\theta_i \leftarrow \theta_i + a \nabla_i [(1-\gamma) V_i + \gamma U_i]$. The meta-value $U_i(\theta) =
    (1-\gamma)\, V_i(\theta') + \gamma\, U_i(\theta')$, $\theta'$ being everybody's parameters after the next
    learning step, is a network trained by `shaping.training.MevaTrainer`, for the game and the co-players
    that it was trained for. With $\gamma = 0$ this is the naive learner.

    Args:
        network: the meta-value, in units of the game's per-step value.
        lr: own step $a$, at least 0; on un-normalized returns.
        discount: $\gamma$ in [0, 1], of the meta-value; the co-players are assumed to have the same.
        row: whose meta-value it is: that of the seat in which it was trained beside other learners; None for
            that of the seat in which it plays, where all were trained together.

    Raises:
        ValueError: when a match starts, if the game's players or parameters are not those of the network.

    Source:
        Cooijmans, Aghajohari & Courville 2023, "Meta-value learning: a general framework for learning with
        learning awareness", section 4.1, the correction formulation, as in the published code.

    Example:
        >>> from games import ipd
        >>> from shaping import Naive, play
        >>> network = ValueNetwork(jax.random.key(0), size=5, width=8, quantiles=4)
        >>> play(ipd(), [Meva(network), Naive()], steps=2).learners
        ('meva', 'naive')
    """

    network: ValueNetwork
    lr: Scalar = number(1.0)
    discount: Scalar = number(0.95, 0.0, 1.0)
    row: int | None = eqx.field(static=True, default=None)

    def init(self, view: View) -> PyTree:
        """No state; the network is checked against the game."""
        sizes = tuple(sum(leaf.size for leaf in jax.tree.leaves(own)) for own in view.params)
        size, n = self.network.size, view.game.n_players
        seats = n if self.network.roles is None else len(self.network.roles[0])
        if n < 2 or max(sizes) != size or seats != n:
            raise ValueError(
                f"Meva: the network is for {'several' if self.network.roles is None else seats} players of at most {size} parameters, but "
                f"those of {view.game.name!r} have {sizes}; train one for this game with MevaTrainer."
            )
        return ()

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The scaled gradient of value and meta-value."""
        seats = seat_order(view, self.row)
        discounts = jnp.full(len(seats), self.discount)
        direction = meta_gradient(
            self.network.averaged(), view, seats, discounts, 1 - self.discount, self.discount
        )
        return optax.tree.scale(self.lr, direction), state


def seat_order(view: View, row: int | None) -> Int[Array, " n"]:
    """The network's seats of the player and of the others, in this order."""
    n = view.game.n_players
    orders = [jnp.array([own, *(j for j in range(n) if j != own)]) for own in range(n)]
    return view.own_entry(orders) if row is None else orders[row]


def meta_gradient(
    network: ValueNetwork,
    view: View,
    seats: Int[Array, " n"],
    discounts: Float[Array, " n"],
    now: Scalar,
    later: Scalar,
) -> Own:
    r"""$\nabla_i [\mathrm{now}\, V_i + \mathrm{later}\, U_i]$, with $U$ converted to returns.

    Args:
        network: $U$.
        view: the game from the player's seat.
        seats: the network's seats of the player and of the others.
        discounts: the player's and the others', in that order.
        now: weight of the present value.
        later: weight of the meta-value.
    """
    n = view.game.n_players
    unit = view.game.per_step(jnp.ones(n))[view.seat]  # the per-step value of one unit of return

    def surrogate(own: Own) -> Scalar:
        joint = view.with_own(own)
        seen = rows((own, *(joint[j] for j in view.others)), network.size)
        return now * view.value(joint) + later * network.value(seen, discounts, seats) / unit

    return jax.grad(surrogate)(view.own)
