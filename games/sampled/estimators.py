"""Estimators of the derivatives of expected returns: DiCE, Loaded DiCE and, for comparison, a surrogate."""

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
    """A function with the value of `value` and the derivatives of `objective`."""
    return jax.lax.stop_gradient(value) + objective - jax.lax.stop_gradient(objective)


def returns(
    rewards: Paths, discount: Float[Array, ""], last: Float[Array, "batch n_players"] | None = None
) -> Paths:
    r"""Discounted returns to go, $G_t = r_t + d\, G_{t+1}$; after the last step `last`, by default 0."""
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
    r"""Generalized advantages $\sum_{s \ge t} (d \lambda)^{s-t} (r_s + d V_{s+1} - V_s)$.

    Args:
        rewards: $r$.
        values: $V$, of the observations before every step and after the last.
        discount: $d$.
        mix: $\lambda$, in [0, 1]; 1 gives the return minus the value.

    Source:
        Schulman et al. 2016, "High-dimensional continuous control using generalized advantage estimation",
        equation 16.
    """
    return returns(rewards + discount * values[1:] - values[:-1], discount * mix)


def running_sum(
    now: Float[Array, "steps batch"], decay: Float[Array, ""] | float = 1.0
) -> Float[Array, "steps batch"]:
    r"""$W_t = \lambda W_{t-1} + w_t$, by a scan, which takes a tenth of the time of `jnp.cumsum` on a CPU."""

    def add(before, w):
        after = decay * before + w
        return after, after

    return jax.lax.scan(add, jnp.zeros_like(now[0]), now)[1]


def weighted_mean(weights: Float[Array, "steps batch"], numbers: Paths) -> Float[Array, " n_players"]:
    """The weighted sum over steps, its mean over episodes."""
    return jnp.einsum("tb,tbn->n", weights, numbers) / numbers.shape[1]


class Estimator(eqx.Module):
    """An objective equal to the mean return, whose derivatives estimate those of the expected return."""

    @abc.abstractmethod
    def __call__(
        self,
        log_probabilities: Paths,
        rewards: Paths,
        values: Float[Array, "steps_1 batch n_players"],
        discount: Float[Array, ""],
    ) -> Float[Array, " n_players"]:
        """All players' objectives.

        Args:
            log_probabilities: log-probabilities of all players' actions, differentiable in the parameters.
            rewards: all players' rewards.
            values: the critics' values, which are not differentiated.
            discount: in [0, 1].
        """


class Dice(Estimator):
    r"""DiCE: $\sum_t \Box(\sum_{s \le t} w_s)\, d^t r_t$, $w_s$ the log-probability of the joint action.

    Control variates:

    - `baseline="none"`: none;
    - `"batch"`: the mean over the *other* episodes of the batch is subtracted from every $r_t$; derivatives
      of every order stay unbiased;
    - `"critic"`: $\sum_t (1 - \Box(w_t))\, d^t b_t$ is added, with b the critics' values; this lowers the
      variance of first derivatives only.

    Args:
        baseline: `"none"`, `"batch"` or `"critic"`.

    Raises:
        ValueError: for another baseline, or `"batch"` for a single episode.

    Source:
        Foerster et al. 2018b, "DiCE: the infinitely differentiable Monte-Carlo estimator", equations 6
        (objective) and 8 (critic). The public code of the paper subtracts the mean over *all* episodes, which
        multiplies the derivatives by 1 - 1/batch.
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
        """All players' objectives; see the class."""
        weights = discount_powers(discount, rewards)
        now = log_probabilities.sum(axis=-1)
        discounted = weights * rewards
        centered = minus_others_mean(discounted, "Dice") if self.baseline == "batch" else discounted
        objective = weighted_mean(magic_box(running_sum(now)), centered)
        if self.baseline == "critic":
            objective += weighted_mean(1 - magic_box(now), weights * values[:-1])
        return primal(discounted.sum(axis=0).mean(axis=0), objective)


class LoadedDice(Estimator):
    r"""Loaded DiCE: $\sum_t d^t (\Box(W_t) - \Box(W_t - w_t)) A_t$ with $W_t = \lambda W_{t-1} + w_t$.

    $w_t$ is the log-probability of the joint action and A the generalized advantage.

    Args:
        decay: $\lambda$, in [0, 1]: the weight of earlier actions. At 1, derivatives of every order are
            unbiased; at 0, second derivatives lack all products of different time steps. First derivatives do
            not depend on it.
        mix: mixing parameter of the generalized advantages, in [0, 1]; 1 gives returns minus values.
        bootstrap: whether the critic's value of the final observation is used as the return after it.

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
        """All players' objectives; see the class."""
        weights = discount_powers(discount, rewards)
        if not self.bootstrap:
            values = values.at[-1].set(0.0)
        advantage = advantages(rewards, values, discount, self.mix)
        now = log_probabilities.sum(axis=-1)
        loaded = running_sum(now, self.decay)
        objective = weighted_mean(magic_box(loaded) - magic_box(loaded - now), weights * advantage)
        return primal((weights * rewards).sum(axis=0).mean(axis=0), objective)


class Surrogate(Estimator):
    r"""The surrogate $\sum_t \bot(d^t r_t) \sum_{s \le t} w_s$: unbiased first, wrong higher derivatives.

    The first derivative no longer depends on the parameters through the distribution of episodes. The
    surrogate is here for comparison.

    Args:
        baseline: `"none"`, or `"batch"`: the mean over the *other* episodes of the batch is subtracted from
            every $d^t r_t$, as in `Dice`; the first derivative stays unbiased.

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
        """All players' objectives; see the class."""
        discounted = discount_powers(discount, rewards) * rewards
        centered = minus_others_mean(discounted, "Surrogate") if self.baseline == "batch" else discounted
        objective = weighted_mean(
            running_sum(log_probabilities.sum(axis=-1)), jax.lax.stop_gradient(centered)
        )
        return primal(discounted.sum(axis=0).mean(axis=0), objective)


def minus_others_mean(discounted: Paths, what: str) -> Paths:
    """Rewards minus their mean over the *other* episodes of the batch.

    Raises:
        ValueError: for a single episode.

    Example:
        >>> minus_others_mean(jnp.array([1.0, 2.0, 6.0])[None, :, None], "Dice").ravel().tolist()
        [-3.0, -1.5, 4.5]
    """
    batch = discounted.shape[1]
    if batch == 1:
        raise ValueError(
            f"{what}: baseline 'batch' compares episodes of a batch with each other; take a batch of 2 or more."
        )
    return (discounted - discounted.mean(axis=1, keepdims=True)) * (batch / (batch - 1))


def discount_powers(discount: Float[Array, ""], rewards: Paths) -> Float[Array, "steps 1 1"]:
    """$d^t$ for every step t."""
    return (discount ** jnp.arange(rewards.shape[0], dtype=rewards.dtype))[:, None, None]
