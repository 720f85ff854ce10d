"""Bias and standard deviation of Loaded DiCE's mixed second derivative, against the exact one.

python docs/experiments/loaded_dice.py  # prints the numbers and draws docs/experiments/loaded_dice.png
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from games import ENVIRONMENTS, ipd
from games.agents.base import ActorCritic, Table
from games.sampled.estimators import LoadedDice
from games.sampled.game import Sampled

DISCOUNT, LENGTH, BATCH, REPETITIONS = 0.8, 40, 64, 1500
"""The discounted rewards after the last step are less than .0002 of the return."""
TABLES = (jnp.array([0.3, -0.5, 0.8, 0.1, -1.0]), jnp.array([-0.2, 0.6, -0.4, 0.9, 0.5]))
GRID = jnp.linspace(0.0, 1.0, 6)
ENVIRONMENT = ENVIRONMENTS.make("ipd_rollout", length=LENGTH)


def state_values() -> tuple[np.ndarray, np.ndarray]:
    """Both players' exact values in the states start, CC, CD, DC, DD, own action first."""
    mine, theirs = (1 / (1 + np.exp(-np.asarray(x, float))) for x in TABLES)
    theirs = theirs[[0, 1, 3, 2, 4]]
    joint = np.stack(
        [mine * theirs, mine * (1 - theirs), (1 - mine) * theirs, (1 - mine) * (1 - theirs)], axis=1
    )
    after = np.linalg.solve(
        np.eye(4) - DISCOUNT * joint[1:], joint[1:] @ [[-1, -1], [-3, 0], [0, -3], [-2, -2]]
    )
    values = joint @ (np.array([[-1, -1], [-3, 0], [0, -3], [-2, -2]]) + DISCOUNT * after)
    return values[:, 0], values[[0, 1, 3, 2, 4], 1]


def mixed(values) -> jax.Array:
    """The mixed second derivative of the first player's value in the two tables, 5x5."""
    return jax.jacfwd(jax.grad(lambda x, y: values((x, y))[0]), argnums=1)(*TABLES)


@jax.jit
def estimates(decays: jax.Array, mixes: jax.Array, critic: jax.Array) -> jax.Array:
    """Estimates of `mixed`, `(settings, repetitions, 5, 5)`, from the same episodes for all settings."""

    def estimate(key):
        def by(decay, mix):
            game = Sampled(ENVIRONMENT, estimator=LoadedDice(decay, mix), discount=DISCOUNT, batch=BATCH)

            def values(tables):
                return game.values(
                    tuple(
                        ActorCritic(Table(x), Table(v[:, None])) for x, v in zip(tables, critic, strict=True)
                    ),
                    key,
                )

            return mixed(values)

        return jax.vmap(by)(decays, mixes)

    return jnp.moveaxis(jax.lax.map(estimate, jax.random.split(jax.random.key(0), REPETITIONS)), 0, 1)


def bias_and_deviation(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bias, corrected for sampling error, and standard deviation of each setting, relative to the exact norm."""
    truth = np.asarray(mixed(ipd(discount=DISCOUNT).values))
    variance = samples.var(axis=1, ddof=1).sum(axis=(1, 2))
    gap = ((samples.mean(axis=1) - truth) ** 2).sum(axis=(1, 2)) - variance / REPETITIONS
    norm = np.linalg.norm(truth)
    return np.sqrt(np.maximum(gap, 0)) / norm, np.sqrt(variance) / norm


def main() -> None:
    """Print the numbers and draw them."""
    right = np.stack(state_values())
    ones = jnp.ones_like(GRID)
    panels = [
        ("exact critic, all of the advantages", "decay", GRID, ones, right),
        ("critic off by a fifth, no decay", "mix", ones, GRID, 0.8 * right),
    ]
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
    for (title, label, decays, mixes, critic), ax in zip(panels, axes, strict=True):
        bias, deviation = bias_and_deviation(
            np.asarray(estimates(decays, mixes, jnp.asarray(critic, float)), np.float64)
        )
        print(label, "bias", bias.round(3).tolist(), "deviation", deviation.round(2).tolist(), flush=True)
        ax.plot(GRID, bias, "o-", label="bias")
        ax.plot(GRID, deviation, "s--", label=f"standard deviation, {BATCH} episodes")
        ax.set(title=title, xlabel=label, ylim=(0, 1.25))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("relative to the true derivative")
    axes[0].legend(frameon=False)
    figure.savefig("docs/experiments/loaded_dice.png", dpi=110)


if __name__ == "__main__":
    main()
