r"""Replicator and logit dynamics of normal-form games, in one population or in one population per player.

The differential equations are integrated by diffrax's Tsit5 with adaptive steps, also under `jit` and `vmap`.
A failure of the integration raises no error; `Path.ok` is then False.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from games.checks import check_count, check_range, concrete, floating, numeric_array, shown
from games.compiler import filter_jit
from games.registry import Entry, Registry, first_line
from solvers.payoffs_jax import (
    Profile,
    action_values,
    as_payoffs,
    as_start,
    contract,
    dot,
    in_default_precision,
)
from solvers.printing import result_text

Strategy = Float[Array, " actions"]

FLOWS = Registry("flow")
"""Evolutionary dynamics; an entry's `make(**settings)` returns one for `evolve` and `evolve_population`."""


class Flow(eqx.Module):
    """A differential equation for the shares of a population's actions, given the payoffs of the actions."""

    def coordinates(self, shares: Strategy) -> Strategy:
        """The coordinates in which the flow is integrated; by default the shares themselves."""
        return shares

    def shares(self, coordinates: Strategy) -> Strategy:
        """The shares as a function of the coordinates."""
        return coordinates

    @abc.abstractmethod
    def velocity(self, shares: Strategy, values: Strategy) -> Strategy:
        """The time derivative of the coordinates at these shares and payoffs of the actions."""


class Path(eqx.Module):
    r"""The solution of a flow.

    Args:
        times: the times at which the solution is given.
        profile: the shares of each population at these times, each `(times, actions)`; infinite or NaN after
            a failure.
        ok: whether the integration reached the last time with finite shares.
        speed: the largest $|\dot x_a|$ of any share at the last time; 0 at a rest point.
        accepted: number of accepted integration steps.
        rejected: number of steps rejected because of their error.
    """

    times: Float[Array, " times"]
    profile: tuple[Float[Array, "times actions"], ...]
    ok: Bool[Array, ""]
    speed: Float[Array, ""]
    accepted: Int[Array, ""]
    rejected: Int[Array, ""]

    def __repr__(self) -> str:
        if not concrete(self.ok):
            return super().__repr__()
        return result_text(
            "Path",
            {
                "times": self.times,
                "last profile": tuple(shares[..., -1, :] for shares in self.profile),
                "speed": self.speed,
                "ok": self.ok,
            },
        )


def evolve(
    payoffs: Any,
    flow: Flow,
    start: Any,
    times: Any,
    tolerance: ArrayLike | None = None,
    max_steps: int = 4096,
) -> Path:
    r"""Integrate a flow with one population per player.

    Args:
        payoffs: the payoffs `(n, A1, ..., An)` of a game, or a `games.MatrixGame`; use `jax.vmap` for a
            family of games.
        flow: a member of `FLOWS`.
        start: the shares of each population at the first time; they sum to 1.
        times: in increasing order.
        tolerance: relative and absolute error of a step in the flow's coordinates; by default 1e-9 in
            float64, 1e-6 in float32.
        max_steps: the largest number of steps, accepted or not; the integration fails beyond it.

    Raises:
        ValueError: for payoffs of the wrong shape or not finite, a start of the wrong shape or off the
            simplex, fewer than two times or times that decrease.

    Example:
        >>> dilemma = jnp.array([[[3.0, 0.0], [5.0, 1.0]], [[3.0, 5.0], [0.0, 1.0]]])
        >>> path = evolve(dilemma, Replicator(), ([0.9, 0.1], [0.9, 0.1]), [0.0, 10.0])
        >>> bool(path.ok), path.profile[0][-1].round(3).tolist()
        (True, [0.0, 1.0])
    """
    payoffs = as_payoffs(payoffs)
    return check_and_integrate(payoffs, flow, start, payoffs.shape[1:], times, tolerance, max_steps)


def evolve_population(
    row: Any, flow: Flow, start: Any, times: Any, tolerance: ArrayLike | None = None, max_steps: int = 4096
) -> Path:
    r"""Integrate a flow of one population in a symmetric game against itself: action a earns $(A x)_a$.

    Args:
        row: $A$, the payoffs of the row player of the symmetric game, `(actions, actions)`.
        flow: a member of `FLOWS`.
        start: the shares at the first time; they sum to 1.
        times: in increasing order.
        tolerance: relative and absolute error of a step in the flow's coordinates; by default 1e-9 in
            float64, 1e-6 in float32.
        max_steps: the largest number of steps, accepted or not; the integration fails beyond it.

    Raises:
        ValueError: for a matrix that is not square or not finite, a start of the wrong shape or off the
            simplex, fewer than two times or times that decrease.

    Example:
        >>> hawks_and_doves = [[-1.0, 4.0], [0.0, 2.0]]
        >>> path = evolve_population(hawks_and_doves, Replicator(), [0.1, 0.9], [0.0, 50.0])
        >>> path.profile[0][-1].round(3).tolist()
        [0.667..., 0.333...]
    """
    row = in_default_precision(numeric_array("The payoffs", row))
    if row.ndim != 2 or row.shape[0] != row.shape[1] or not row.size:
        raise ValueError(
            f"The payoffs have shape {row.shape}; a population that plays against itself needs a square "
            "matrix."
        )
    return check_and_integrate(row, flow, (start,), row.shape[:1], times, tolerance, max_steps)


def check_and_integrate(
    payoffs: Float[Array, "..."],
    flow: Flow,
    start: Any,
    actions: tuple[int, ...],
    times: Any,
    tolerance: Any,
    max_steps: int,
) -> Path:
    """Check the arguments that `evolve` and `evolve_population` have in common, and integrate."""
    if not isinstance(flow, Flow):
        raise ValueError(
            f"flow is {shown(flow)}; it must be an instance of a flow, such as FLOWS.make('replicator')."
        )
    check_count("max_steps", max_steps)
    start = as_start(start, payoffs, actions)
    times = numeric_array("times", times).astype(payoffs.dtype)
    if times.ndim != 1 or len(times) < 2:
        raise ValueError(f"times has shape {times.shape}; give at least two, the first being the start's.")
    check_range("A step between times", jnp.diff(times), 0.0)
    if tolerance is None:
        tolerance = 1e-9 if payoffs.dtype == jnp.float64 else 1e-6
    check_range("tolerance", tolerance, float(jnp.finfo(payoffs.dtype).tiny))
    return integrate(
        payoffs, in_default_precision(flow), start, times, jnp.asarray(tolerance, payoffs.dtype), max_steps
    )


@filter_jit
def integrate(
    payoffs: Array, flow: Flow, start: Profile, times: Array, tolerance: Array, max_steps: int
) -> Path:
    """Solve the differential equation with diffrax; the compiled part of `evolve` and `evolve_population`."""
    import diffrax
    import optimistix

    def field(_: Any, coordinates: Profile, payoffs: Array) -> Profile:
        shares = tuple(flow.shares(c) for c in coordinates)
        values = (contract(payoffs, shares[0], 1),) if len(shares) == 1 else action_values(payoffs, shares)
        return tuple(flow.velocity(s, v) for s, v in zip(shares, values, strict=True))

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Tsit5(),
        t0=times[0],
        t1=times[-1],
        dt0=None,
        y0=tuple(flow.coordinates(s) for s in start),
        args=payoffs,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance, norm=optimistix.max_norm),
        max_steps=max_steps,
        throw=False,
    )
    profile = jax.tree.map(jax.vmap(flow.shares), solution.ys)
    end = jax.tree.map(lambda c: c[-1], solution.ys)
    rates = [jax.jvp(flow.shares, (c,), (v,))[1] for c, v in zip(end, field(None, end, payoffs), strict=True)]
    finite = jnp.stack([jnp.isfinite(s).all() for s in profile]).all()
    return Path(
        times,
        profile,
        (solution.result == diffrax.RESULTS.successful) & finite,
        jnp.stack([abs(m).max() for m in rates]).max(),
        solution.stats["num_accepted_steps"],
        solution.stats["num_rejected_steps"],
    )


def register(name: str, citation: str, *aliases: str) -> Callable[[type[Flow]], type[Flow]]:
    """Register a flow in `FLOWS` under a name, with the first line of its docstring as its summary."""

    def add(flow: type[Flow]) -> type[Flow]:
        FLOWS.add(Entry(name, flow, first_line(flow), citation, aliases))
        return flow

    return add


@register("replicator", "taylor1978stable")
class Replicator(Flow):
    r"""Replicator dynamic: shares grow by the excess of their payoff, $\dot x_a = x_a (u_a - x \cdot u)$.

    It is integrated in $\log x$, so that small shares stay positive; a share of 0 stays 0 (Taylor & Jonker
    1978).
    """

    def coordinates(self, shares: Strategy) -> Strategy:
        """Logarithms of the shares; -1e30 for a share of 0."""
        return jnp.where(shares > 0, jnp.log(jnp.where(shares > 0, shares, 1)), -1e30)

    def shares(self, coordinates: Strategy) -> Strategy:
        """The softmax of the coordinates."""
        return jax.nn.softmax(coordinates)

    def velocity(self, shares: Strategy, values: Strategy) -> Strategy:
        r"""The growth rates $u_a - x \cdot u$."""
        return values - dot(shares, values)


@register("logit", "fudenberg1998theory", "smoothed_best_response")
class Logit(Flow):
    r"""Logit dynamic: shares move towards the logit response, $\dot x = \mathrm{softmax}(\lambda u) - x$.

    Rest points are the quantal response equilibria of the same precision (Fudenberg & Levine 1998; Hopkins
    1999).

    Args:
        precision: $\lambda \ge 0$, per payoff unit.
    """

    precision: Float[Array, ""] = eqx.field(converter=floating, default=1.0)

    def __check_init__(self):
        check_range("precision", self.precision, 0.0)

    def velocity(self, shares: Strategy, values: Strategy) -> Strategy:
        r"""The time derivative of the shares, $\mathrm{softmax}(\lambda u) - x$."""
        return jax.nn.softmax(self.precision * values) - shares
