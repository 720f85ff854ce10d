"""The largest reward that can be earned at matching pennies against a naive learner.

python docs/experiments/matching_pennies_ceiling.py  # prints the numbers of matching_pennies_ceiling.md
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np

from games import GAMES, Game
from shaping import Naive
from shaping.learners.scripted import Scripted
from shaping.meta.game import MetaGame, MetaState
from shaping.training import GradientTrainer, run

STEPS = 100
TRANSIENT = 20
CERTAIN = 8.0
"""The logit of candidate actions: probability .9997."""


def control(lr: float, starts: int = 20_000) -> tuple[float, float]:
    r"""One shot, exactly: dynamic programming over the naive learner's logit x, $x' = x - (b/2) m\,\mathrm{sech}^2(x/2)$.

    The reward of playing action 0 with probability $(1+m)/2$ is $m \tanh(x/2)$, m in [-1, 1]. Returns the
    mean over 100 meta-steps of the best play from N(0, 1) logits after one update, and the mean over
    meta-steps 101 to 200 of 200, where no start is left to live on.
    """
    x, m = np.linspace(-15, 15, 6001), np.linspace(-1, 1, 201)
    reward, speed = np.tanh(x / 2), lr / 2 / np.cosh(x / 2) ** 2
    value, at_100 = np.zeros_like(x), np.zeros_like(x)
    for t in range(2 * STEPS):
        value = (reward[:, None] * m + np.interp(x[:, None] - speed[:, None] * m, x, value)).max(axis=1)
        at_100 = value if t == STEPS - 1 else at_100
    drawn, own = np.random.default_rng(0).normal(size=(2, starts))
    first = drawn - np.tanh(own / 2) * lr / 2 / np.cosh(drawn / 2) ** 2
    return np.interp(first, x, at_100).mean() / STEPS, (
        np.interp(0, x, value) - np.interp(0, x, at_100)
    ) / STEPS


def meta_game(game: Game, seat: int, lr: float, **settings) -> MetaGame:
    """The naive learner in the other seat."""
    return MetaGame(game, [None, Naive(lr)] if seat == 0 else [Naive(lr), None], STEPS, **settings)


@functools.partial(jax.jit, static_argnames="width")
def search(meta: MetaGame, keys, patience, width: int):
    """Beam search from every start over deterministic policies and the uniform one, by reward so far and what the co-player offers now.

    A state is kept for its sum of rewards and `patience` times the best reply's reward to the co-player as it
    stands. With width 1 and patience 0 it is the player who replies best to the co-player's coming policy and
    looks no further. Returns the rewards of the best match found, which are those of its own steps: the naive
    learner's overshooting is chaotic, so that in single precision a path played again from its start is soon
    another match.
    """
    size = meta.action_shape[0]
    tables = jnp.array([*itertools.product([CERTAIN, -CERTAIN], repeat=size), [0.0] * size])

    def offered(state: MetaState):
        return jax.vmap(lambda table: meta.step(keys[0], state, table[None])[2][0])(tables).max()

    def from_start(key):
        beam = jax.tree.map(lambda x: jnp.broadcast_to(x, (width, *x.shape)), meta.reset(key)[1])

        def expand(state, table):
            _, later, reward, *_ = meta.step(key, state, table[None])
            return later, reward[0], offered(later)

        def step(carry, t):
            beam, gained = carry
            later, reward, ahead = jax.vmap(lambda s: jax.vmap(lambda a: expand(s, a))(tables))(beam)
            total = gained[:, None] + reward
            kept = jax.lax.top_k((total + jnp.minimum(patience, STEPS - 1 - t) * ahead).ravel(), width)[1]
            beam = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[kept], later)
            return (beam, total.ravel()[kept]), (kept // len(tables), reward.ravel()[kept])

        lone = jnp.where(jnp.arange(width) == 0, 0.0, -1e6)
        (_, gained), history = jax.lax.scan(step, (beam, lone), jnp.arange(STEPS))
        return jax.lax.scan(lambda i, now: (now[0][i], now[1][i]), jnp.argmax(gained), history, reverse=True)[
            1
        ]

    return jax.lax.map(from_start, keys)


def by_ascent(meta: MetaGame, starts: int, restarts: int) -> tuple[float, float]:
    """The best mean that gradient ascent on the own path of logits finds from random paths, averaged over the starts.

    And the mean over meta-steps 21 to 100 of the path that the same ascent ends with.
    """
    best, settled = [], []
    for key in jax.random.split(jax.random.key(1), starts):
        here = meta_game(
            meta.game, meta.open[0], meta.learners[1 - meta.open[0]].lr, initial=meta.game.init(key)
        )
        paths = (
            jax.random.normal(jax.random.fold_in(key, r), (STEPS, *meta.action_shape))
            for r in range(restarts)
        )
        trainers = [GradientTrainer(here, Scripted(2 * path), 0.1) for path in paths]
        runs = [run(trainer, iterations=300, chunk=300) for trainer in trainers]
        chosen = max(runs, key=lambda run: run.record.per_step.max())
        best.append(float(chosen.record.per_step.max()))
        settled.append(float(rewards(here, chosen.learners[0])[TRANSIENT:].mean()))
    return float(np.mean(best)), float(np.mean(settled))


@jax.jit
def rewards(meta: MetaGame, player: Scripted):
    """What a path earns at every meta-step."""
    return meta.game.per_step(meta.match((player,), jax.random.key(0))[0])[:, meta.open[0]]


def by_search(meta: MetaGame, starts: int, width: int) -> tuple[float, float, float]:
    """Means over the starts: of the one-step reply, of the best match found, and of the latter without its first meta-steps."""
    keys = jax.random.split(jax.random.key(1), starts)
    reply = search(meta, keys, 0.0, 1)
    tried = np.stack(
        [reply, *(search(meta, keys, patience, width) for patience in (0.0, 1.0, 3.0, 10.0, 30.0))]
    )
    best = tried[tried.mean(axis=-1).argmax(axis=0), np.arange(starts)]
    return float(reply.mean()), float(best.mean()), float(best[:, TRANSIENT:].mean())


def main(starts: int = 16, width: int = 256, restarts: int = 4) -> None:
    """Print the table."""
    print(
        "| game | naive step | seat | gradient ascent | one-step reply | search | search, meta-steps 21 to 100 |"
    )
    print("|---|---|---|---|---|---|---|")
    settings = [
        ("matching_pennies", {}, 1.0),
        ("iterated_matching_pennies", {}, 1.0),
        ("iterated_matching_pennies", {"discount": 0.9}, 1.0),
        ("iterated_matching_pennies", {}, 0.04),
    ]
    for name, numbers, lr in settings:
        for seat in (0, 1):
            meta = meta_game(GAMES.make(name, **numbers), seat, lr)
            label = f"{name}{', discount .9' if numbers else ''}"
            numbers_found = (by_ascent(meta, starts, restarts)[0], *by_search(meta, starts, width))
            print(
                f"| {label} | {lr:g} | {seat} |" + "".join(f" {x:.3f} |" for x in numbers_found), flush=True
            )
    for seat in (0, 1):  # small steps are not chaotic: a path played again is the same match
        settled = by_ascent(meta_game(GAMES.make("iterated_matching_pennies"), seat, 0.04), starts, restarts)[
            1
        ]
        print(
            f"iterated, naive step 0.04, seat {seat}: gradient ascent, meta-steps 21 to 100: {settled:.3f}",
            flush=True,
        )
    print(
        "one shot, exact: mean over 100 meta-steps {:.4f}; over the second hundred {:.4f}".format(
            *control(1.0)
        )
    )


if __name__ == "__main__":
    main()
