"""Differentiable games without actions: values are given as functions of the players' parameters."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from games.base import Game, Joint, Own, check_shapes, normal_init, precision
from games.checks import as_float, check_count, check_counts, check_range, floating, numeric_array, shown
from games.exact.tables import as_table

Scalar = Float[Array, ""]


def half_squared_distance(old: Own, new: Own) -> Scalar:
    r"""$\frac12 |\theta_{new} - \theta_{old}|^2$, the divergence of unit Gaussians with these means."""
    changes = jax.tree.map(lambda a, b: jnp.sum((b - a) ** 2), old, new)
    return 0.5 * jnp.asarray(sum(jax.tree.leaves(changes)))


class Smooth(Game):
    r"""A game of one real parameter per player with **losses** $L_i$: $V_i(\theta) = -L_i(\theta)$.

    Args:
        losses: `losses(*parameters, *constants) -> (L_1, ..., L_n)`, differentiable almost everywhere.
        constants: further arguments of the losses; other values do not recompile.
        n_players: number of players.
        name: name in tables.
        init_std: standard deviation of the initial parameters, at least 0.

    Raises:
        ValueError: for a negative or NaN `init_std`, or fewer than one player.

    Example:
        >>> game = Smooth(lambda x, y: (x * y, -x * y), name="rotation")
        >>> game.values((jnp.array([2.0]), jnp.array([3.0]))).tolist()
        [-6.0, 6.0]
    """

    losses: Callable[..., tuple[Scalar, ...]] = eqx.field(static=True)
    constants: tuple[Scalar, ...] = eqx.field(converter=lambda c: tuple(as_float(x) for x in c), default=())
    n_players: int = eqx.field(static=True, default=2)
    name: str = eqx.field(static=True, default="smooth")
    init_std: Scalar = eqx.field(converter=floating, default=1.0)

    def __check_init__(self):
        if not callable(self.losses):
            raise ValueError(
                f"losses is {shown(self.losses)}; it must be a function from one number per player to one loss per player."
            )
        check_count("n_players", self.n_players)
        check_range("init_std", self.init_std, 0.0)

    def init(self, key: Key[Array, ""]) -> Joint:
        """Draw all players' parameters from $N(0, std^2)$."""
        return normal_init(key, [(1,)] * self.n_players, self.init_std)

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """All players' negative losses."""
        check_shapes(self.name, params, [(1,)] * self.n_players)
        constants = (x.astype(precision(params)) for x in self.constants)
        losses = self.losses(*(own[0] for own in params), *constants)
        if len(losses) != self.n_players:
            raise ValueError(
                f"The losses of {self.name!r} are {len(losses)} for {self.n_players} players; return exactly one each."
            )
        return -jnp.stack(losses)

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Scalar:
        """Half the squared Euclidean distance of the parameters."""
        return half_squared_distance(old, new)

    def split(self, params: Joint) -> Joint:
        """One scalar per player."""
        return tuple((own[0],) for own in params)

    def join(self, params: Joint) -> Joint:
        """The inverse of `split`."""
        return tuple(jnp.stack(own, axis=-1) for own in params)


class Quadratic(Game):
    r"""A quadratic game: $V_i(\theta) = \frac12 \theta^\top A_i \theta + b_i^\top \theta$.

    $\theta$ is the concatenation of all players' parameters. Quadratic games are local models of any game and
    the standard examples of convergence theory.

    Args:
        matrices: $A_i$, shape `(n, d, d)`, with d the total number of parameters; only the symmetric parts
            matter.
        vectors: $b_i$, shape `(n, d)`; 0 by default.
        sizes: number of parameters of each player, with sum d; 1 each by default.
        name: name in tables.
        init_std: standard deviation of the initial parameters, at least 0.

    Raises:
        ValueError: for entries that are not finite, or shapes that do not agree.

    Example:
        >>> game = Quadratic([[[0, -1], [-1, 0]], [[0, 1], [1, 0]]])
        >>> game.values((jnp.array([2.0]), jnp.array([3.0]))).tolist()
        [-6.0, 6.0]
    """

    matrices: Float[Array, "n_players d d"]
    vectors: Float[Array, "n_players d"] = None  # type: ignore[assignment]
    sizes: tuple[int, ...] = eqx.field(static=True, default=())
    name: str = eqx.field(static=True, default="quadratic")
    init_std: Scalar = eqx.field(converter=floating, default=1.0)

    def __post_init__(self):
        self.matrices = numeric_array("matrices", self.matrices)
        shape = self.matrices.shape
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(
                f"matrices have shape {shape}; they must be (n, d, d): one square matrix over all parameters per player."
            )
        self.vectors = (
            jnp.zeros(shape[:2], self.matrices.dtype)
            if self.vectors is None
            else numeric_array("vectors", self.vectors)
        )
        check_counts("sizes", self.sizes)
        self.sizes = tuple(self.sizes) or (1,) * shape[0]

    def __check_init__(self):
        n, d, _ = self.matrices.shape
        if self.vectors.shape != (n, d):
            raise ValueError(
                f"vectors have shape {self.vectors.shape}; they must be {(n, d)}, one vector over all parameters per player."
            )
        if len(self.sizes) != n or sum(self.sizes) != d or min(self.sizes) < 1:
            raise ValueError(
                f"sizes is {self.sizes}; it must hold {n} positive integers, one per player, adding up to {d}."
            )
        check_range("init_std", self.init_std, 0.0)

    @property
    def n_players(self) -> int:
        """Number of players."""
        return self.matrices.shape[0]

    def init(self, key: Key[Array, ""]) -> Joint:
        """Draw all players' parameters from $N(0, std^2)$."""
        return normal_init(key, [(k,) for k in self.sizes], self.init_std)

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """All players' quadratic forms."""
        check_shapes(self.name, params, [(k,) for k in self.sizes])
        theta, dtype = jnp.concatenate([as_table(own) for own in params]), precision(params)
        return (
            jnp.einsum("d,ide,e->i", theta, self.matrices.astype(dtype), theta) / 2
            + self.vectors.astype(dtype) @ theta
        )

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Scalar:
        """Half the squared Euclidean distance of the parameters."""
        return half_squared_distance(old, new)


def tandem_losses(x, y):
    """$(x+y)^2 - 2x$ and $(x+y)^2 - 2y$ (Letcher et al. 2019)."""
    return (x + y) ** 2 - 2 * x, (x + y) ** 2 - 2 * y


def tandem_cubed_losses(x, y):
    """$(x+y)^4 - 2x$ and $(x+y)^4 - 2y$."""
    return (x + y) ** 4 - 2 * x, (x + y) ** 4 - 2 * y


def hamiltonian_losses(x, y):
    """$xy$ and $-xy$: the gradient field is a pure rotation."""
    return x * y, -x * y


def balduzzi_losses(x, y):
    """$x^2/2 + 10xy$ and $y^2/2 - 10xy$: weak attraction under strong rotation (Balduzzi et al. 2018)."""
    return x**2 / 2 + 10 * x * y, y**2 / 2 - 10 * x * y


def zero_sum_cycle_losses(x, y):
    """$xy - x^2/2 + y^2/2 + x^4/4 - y^4/4$ and its negative (Letcher 2021)."""
    loss = x * y - x**2 / 2 + y**2 / 2 + x**4 / 4 - y**4 / 4
    return loss, -loss


def coupling(x, y):
    """$g/4$ with $g = y^4/(1+x^2) - x^4/(1+y^2)$: the term that makes the market's losses coercive."""
    return (y**4 / (1 + x**2) - x**4 / (1 + y**2)) / 4


def market_losses(x, y):
    """$xy - x^2/2 + x^6/6 + g/4$ and $-xy - y^2/2 + y^6/6 - g/4$ (Letcher 2021)."""
    g = coupling(x, y)
    return x * y - x**2 / 2 + x**6 / 6 + g, -x * y - y**2 / 2 + y**6 / 6 - g


def market_with_min_losses(x, y, radius):
    r"""The losses of the market with a strict minimum at the origin (Letcher 2021).

    They are $x^6/6 - x^2 + f + xy + g/4$ and $y^6/6 - f - xy - g/4$ with g as in `coupling`.

    $f = (r^2 - s^2)/2$ outside the radius s and $(y^2 - 3x^2)(r^2 - s^2)/(2s^2)$ inside; both vanish on the
    circle, where f has a kink.
    """
    excess = x**2 + y**2 - radius**2
    f = jnp.where(excess >= 0, excess / 2, (y**2 - 3 * x**2) * excess / (2 * radius**2))
    g = coupling(x, y)
    return x**6 / 6 - x**2 + f + x * y + g, y**6 / 6 - f - x * y - g


def market_with_min(radius: ArrayLike, init_std: ArrayLike) -> Smooth:
    """The market with a strict minimum.

    Raises:
        ValueError: for a radius that is not positive.
    """
    check_range("radius", radius, float(np.finfo(np.float32).tiny))
    return Smooth(market_with_min_losses, (radius,), name="market_with_min", init_std=init_std)
