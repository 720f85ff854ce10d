"""Objectives whose derivatives, of any order, estimate those of the expected return: DiCE, Loaded DiCE, and a wrong one."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from games.checks import check_range, floating
from games.registry import nearest

BASELINES = ("none", "batch", "critic")

Paths = Float[Array, "steps batch n_players"]
"""One number per step, episode and player."""


def magic_box(x: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    r"""$\exp(x - \bot x)$: one, with the derivatives of the exponential (Foerster et al. 2018b, equation 4).

    Example:
        >>> float(jax.grad(jax.grad(magic_box))(3.0))
        1.0
    """
    return jnp.exp(x - jax.lax.stop_gradient(x))


def primal(value: Float[Array, "*batch"], objective: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """The derivatives of an objective at the value of another thing."""
    return jax.lax.stop_gradient(value) + objective - jax.lax.stop_gradient(objective)


def returns(
    rewards: Paths, discount: Float[Array, ""], last: Float[Array, "batch n_players"] | None = None
) -> Paths:
    r"""Discounted returns to go, $G_t = \sum_{s \ge t} d^{s-t} r_s$, with $d^{T-t}$ times what comes after the last step."""
    after = jnp.zeros_like(rewards[0]) if last is None else last

    def add(later, reward):
        now = reward + discount * later
        return now, now

    return jax.lax.scan(add, after, rewards, reverse=True)[1]


def advantages(
    rewards: Paths,
    values: Float[Array, "steps_1 batch n_players"],
    discount: Float[Array, ""],
    mix: Float[Array, ""],
) -> Paths:
    r"""Generalized advantages $\sum_{s \ge t} (d \lambda)^{s-t} (r_s + d V_{s+1} - V_s)$ (Schulman et al. 2016, equation 16).

    Args:
        rewards: per step.
        values: of what was seen before every step, and at last.
        discount: $d$.
        mix: $\lambda$, in [0, 1]; 1 is the return minus the value.
    """
    return returns(rewards + discount * values[1:] - values[:-1], discount * mix)


def accumulated(
    now: Float[Array, "steps batch"], decay: Float[Array, ""] | float = 1.0
) -> Float[Array, "steps batch"]:
    r"""$W_t = \lambda W_{t-1} + w_t$: a scan, on a CPU a tenth of the price of `jnp.cumsum`."""

    def add(before, w):
        after = decay * before + w
        return after, after

    return jax.lax.scan(add, jnp.zeros_like(now[0]), now)[1]


def weighed(weights: Float[Array, "steps batch"], gains: Paths) -> Float[Array, " n_players"]:
    """The mean over episodes of the weighted sum over steps."""
    return jnp.einsum("tb,tbn->n", weights, gains) / gains.shape[1]


class Estimator(eqx.Module):
    """An objective from what was played: its value is the mean return, its derivatives are estimates of the expected return's."""

    @abc.abstractmethod
    def __call__(
        self,
        log_probabilities: Paths,
        rewards: Paths,
        values: Float[Array, "steps_1 batch n_players"],
        discount: Float[Array, ""],
    ) -> Float[Array, " n_players"]:
        """Everybody's objective.

        Args:
            log_probabilities: of everybody's actions; differentiable.
            rewards: everybody's.
            values: the critics'; constant.
            discount: in [0, 1].
        """


class Dice(Estimator):
    r"""DiCE: $\sum_t \Box(\sum_{s \le t} w_s)\, d^t r_t$, w the sum of everybody's log-probabilities, and a control variate.

    - `baseline="none"`: as it stands;
    - `"batch"`: of every $r_t$ the mean over the *other* episodes of the batch is taken off; derivatives of every order stay unbiased;
    - `"critic"`: plus $\sum_t (1 - \Box(w_t))\, d^t b_t$ with the critics' values b, which lowers the variance of first derivatives alone.

    Args:
        baseline: `"none"`, `"batch"` or `"critic"`.

    Raises:
        ValueError: for another baseline, or `"batch"` for a single episode.

    Source:
        Foerster et al. 2018b, "DiCE: the infinitely differentiable Monte-Carlo estimator", equations 6
        (objective) and 8 (critic). The public code of the paper takes off the mean over *all* episodes: its
        derivatives are these, times 1 - 1/batch.
    """

    baseline: str = eqx.field(static=True, default="none")

    def __check_init__(self):
        if self.baseline not in BASELINES:
            raise ValueError(
                f"Dice: unknown baseline {self.baseline!r}; {nearest(str(self.baseline), BASELINES)}."
            )

    def __call__(
        self,
        log_probabilities: Paths,
        rewards: Paths,
        values: Float[Array, "steps_1 batch n_players"],
        discount: Float[Array, ""],
    ) -> Float[Array, " n_players"]:
        """Everybody's objective."""
        weights = powers(discount, rewards)
        now = log_probabilities.sum(axis=-1)
        paid = weights * rewards
        gains = beside_others(paid, "Dice") if self.baseline == "batch" else paid
        objective = weighed(magic_box(accumulated(now)), gains)
        if self.baseline == "critic":
            objective += weighed(1 - magic_box(now), weights * values[:-1])
        return primal(paid.sum(axis=0).mean(axis=0), objective)


class LoadedDice(Estimator):
    r"""Loaded DiCE: $\sum_t d^t (\Box(W_t) - \Box(W_t - w_t)) A_t$ with $W_t = \lambda W_{t-1} + w_t$ and generalized advantages A.

    Args:
        decay: $\lambda$ in [0, 1], how much of the dependence on earlier actions is kept: 1 for unbiased
            derivatives of every order, 0 for none of those of second order that cross time steps; first
            derivatives do not depend on it.
        mix: of the generalized advantages, in [0, 1]; 1 for returns minus values.
        bootstrap: whether the critic's value of the end stands for what would come after it.

    Source:
        Farquhar et al. 2019, "Loaded DiCE: trading off bias and variance in any-order score function
        estimators", equations 7 and 9; with the advantages of Zhao et al. 2022.
    """

    decay: Float[Array, ""] = eqx.field(converter=floating, default=1.0)
    mix: Float[Array, ""] = eqx.field(converter=floating, default=1.0)
    bootstrap: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        check_range("decay", self.decay, 0.0, 1.0)
        check_range("mix", self.mix, 0.0, 1.0)

    def __call__(
        self,
        log_probabilities: Paths,
        rewards: Paths,
        values: Float[Array, "steps_1 batch n_players"],
        discount: Float[Array, ""],
    ) -> Float[Array, " n_players"]:
        """Everybody's objective."""
        weights = powers(discount, rewards)
        if not self.bootstrap:
            values = values.at[-1].set(0.0)
        gains = advantages(rewards, values, discount, self.mix)
        now = log_probabilities.sum(axis=-1)
        loaded = accumulated(now, self.decay)
        objective = weighed(magic_box(loaded) - magic_box(loaded - now), weights * gains)
        return primal((weights * rewards).sum(axis=0).mean(axis=0), objective)


class Surrogate(Estimator):
    r"""The surrogate loss $\sum_t \bot(d^t r_t) \sum_{s \le t} w_s$: right once differentiated, wrong from the second time on.

    The dependence of the sampling distribution on the parameters is lost with the first derivative. It is
    here to be compared with.

    Args:
        baseline: `"none"`, or `"batch"`, by which the mean of every $d^t r_t$ over the *other* episodes of
            the batch is taken off, as `Dice` does; its first derivative stays unbiased.

    Raises:
        ValueError: for another baseline, or `"batch"` for a single episode.

    Source:
        Foerster et al. 2018b, section 3.2, on surrogate losses (Schulman et al. 2015).
    """

    baseline: str = eqx.field(static=True, default="none")

    def __check_init__(self):
        if self.baseline not in BASELINES[:2]:
            raise ValueError(
                f"Surrogate: unknown baseline {self.baseline!r}; {nearest(str(self.baseline), BASELINES[:2])}."
            )

    def __call__(
        self,
        log_probabilities: Paths,
        rewards: Paths,
        values: Float[Array, "steps_1 batch n_players"],
        discount: Float[Array, ""],
    ) -> Float[Array, " n_players"]:
        """Everybody's objective."""
        paid = powers(discount, rewards) * rewards
        gains = beside_others(paid, "Surrogate") if self.baseline == "batch" else paid
        objective = weighed(accumulated(log_probabilities.sum(axis=-1)), jax.lax.stop_gradient(gains))
        return primal(paid.sum(axis=0).mean(axis=0), objective)


def beside_others(paid: Paths, what: str) -> Paths:
    """What every episode was paid more than the mean of the *other* episodes of the batch.

    Raises:
        ValueError: for a single episode.

    Example:
        >>> beside_others(jnp.array([1.0, 2.0, 6.0])[None, :, None], "Dice").ravel().tolist()
        [-3.0, -1.5, 4.5]
    """
    batch = paid.shape[1]
    if batch == 1:
        raise ValueError(
            f"{what}: baseline 'batch' compares episodes of a batch with each other; take a batch of 2 or more."
        )
    return (paid - paid.mean(axis=1, keepdims=True)) * (batch / (batch - 1))


def powers(discount: Float[Array, ""], rewards: Paths) -> Float[Array, "steps 1 1"]:
    """The discount to the power of the step."""
    return (discount ** jnp.arange(rewards.shape[0], dtype=rewards.dtype))[:, None, None]
