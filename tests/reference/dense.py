"""What the learners' papers define, worked out in losses with dense matrices: the reference the learners are held against.

Everything is one flat vector; `slices[i]` is player i's part. Nothing here is shared with the learners' own
code.
"""

import equinox as eqx
import jax
import numpy as np
from jax.flatten_util import ravel_pytree


def losses(x, game, restore):
    return -game.values(restore(x))


compiled_losses = eqx.filter_jit(losses)
compiled_jacobian = eqx.filter_jit(jax.jacrev(losses))
compiled_hessians = eqx.filter_jit(jax.jacfwd(jax.jacrev(losses)))


@eqx.filter_jit
def compiled_divergence(x, at, player, game, restore):
    old, new = restore(at), restore(x)
    return game.divergence(player, old[player], new[player], old)


class Dense:
    """Losses, gradients and Hessians of a game at a point, as numpy arrays."""

    def __init__(self, game, params):
        self.game = game
        self.flat, self.restore = ravel_pytree(params)
        self.n = game.n_players
        sizes = [ravel_pytree(own)[0].size for own in params]
        ends = np.cumsum(sizes)
        self.slices = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        self.at = np.asarray(self.flat)

    def losses(self, x):
        return np.asarray(compiled_losses(x, self.game, self.restore))

    def gradients(self, x):
        """(n, d): every loss with respect to everything."""
        return np.asarray(compiled_jacobian(x, self.game, self.restore))

    def hessians(self, x):
        """(n, d, d)."""
        return np.asarray(compiled_hessians(x, self.game, self.restore))

    def xi(self, x):
        g = self.gradients(x)
        return np.concatenate([g[i, s] for i, s in enumerate(self.slices)])

    def jacobian(self, x):
        """H = D xi."""
        h = self.hessians(x)
        return np.concatenate([h[i, s] for i, s in enumerate(self.slices)])

    def off_diagonal(self, x):
        h = self.jacobian(x).copy()
        for s in self.slices:
            h[s, s] = 0
        return h

    def chi(self, x):
        g, h = self.gradients(x), self.hessians(x)
        return np.concatenate(
            [
                sum(h[j][self.slices[j], s].T @ g[i, self.slices[j]] for j in range(self.n) if j != i)
                for i, s in enumerate(self.slices)
            ]
        )

    def slope(self, value, player, size=1e-5):
        """Derivative of a scalar function of everything with respect to one player's part, by central differences of fourth order."""
        s, out = self.slices[player], []
        for k in range(s.start, s.stop):
            e = np.zeros_like(self.at)
            e[k] = size
            out.append(
                (
                    8 * (value(self.at + e) - value(self.at - e))
                    - value(self.at + 2 * e)
                    + value(self.at - 2 * e)
                )
                / (12 * size)
            )
        return np.array(out)

    def others_moved(self, x, player, towards):
        moved = x + towards
        moved[self.slices[player]] = x[self.slices[player]]
        return moved


def naive(d):
    return d.xi(d.at)


def lookahead(d, look_ahead):
    return d.xi(d.at) - look_ahead * d.off_diagonal(d.at) @ d.xi(d.at)


def lola_original(d, look_ahead):
    return d.xi(d.at) - look_ahead * d.chi(d.at)


def lola_taylor(d, look_ahead):
    return lookahead(d, look_ahead) - look_ahead * d.chi(d.at)


def lola(d, look_ahead, steps=1):
    def anticipated(x, i):
        for _ in range(steps):
            x = d.others_moved(x, i, -look_ahead * d.xi(x))
        return d.losses(x)[i]

    return np.concatenate([d.slope(lambda x, i=i: anticipated(x, i), i) for i in range(d.n)])


def pola(d, lr, look_ahead, penalty, iterations):
    """Some iterations of gradient descent on everybody's proximal loss, as one direction: minus their way over the step size."""
    way = np.zeros_like(d.at)

    def proximal(x, i):
        anticipated = d.others_moved(x, i, -look_ahead * d.xi(x))
        return d.losses(anticipated)[i] + penalty * np.asarray(
            compiled_divergence(x, d.at, i, d.game, d.restore)
        )

    for i, s in enumerate(d.slices):
        moved = np.zeros_like(d.at)
        for _ in range(iterations):
            moved[s] -= lr * d.slope(lambda x, i=i, moved=moved: proximal(x + moved, i), i)
        way += moved
    return -way / lr


def hola2(d, look_ahead):
    def first_order(x):
        """d^1 in losses, by the chain rule on explicit matrices."""
        out = np.zeros_like(x)
        h = d.jacobian(x)
        for i, s in enumerate(d.slices):
            gains = d.gradients(d.others_moved(x, i, -look_ahead * d.xi(x)))[i]
            out[s] = gains[s]
            for j, t in enumerate(d.slices):
                if j != i:
                    out[s] -= look_ahead * h[t, s].T @ gains[t]
        return out

    def anticipated(x, i):
        return d.losses(d.others_moved(x, i, -look_ahead * first_order(x)))[i]

    return np.concatenate([d.slope(lambda x, i=i: anticipated(x, i), i) for i in range(d.n)])


def sos(d, look_ahead, alignment, radius):
    xi, xi0 = d.xi(d.at), lookahead(d, look_ahead)
    shaping = -look_ahead * d.chi(d.at)
    along = shaping @ xi0
    p1 = 1.0 if along >= 0 else min(1.0, -alignment * (xi0 @ xi0) / along)
    p2 = xi @ xi if np.sqrt(xi @ xi) < radius else 1.0
    return xi0 + min(p1, p2) * shaping


def consensus(d, weight):
    return d.xi(d.at) + weight * d.jacobian(d.at).T @ d.xi(d.at)


def sga(d, epsilon):
    xi, h = d.xi(d.at), d.jacobian(d.at)
    adjustment = (h.T @ xi - h @ xi) / 2
    strength = (xi @ (h.T @ xi)) * (adjustment @ (h.T @ xi)) / len(xi) + epsilon
    return xi + np.sign(strength) * adjustment


def extragradient(d, lr):
    return d.xi(d.at - lr * d.xi(d.at))


def cgd(d, look_ahead):
    return np.linalg.solve(np.eye(len(d.at)) + look_ahead * d.off_diagonal(d.at), d.xi(d.at))


def lss(d, ridge):
    h, xi = d.jacobian(d.at), d.xi(d.at)
    singular = np.linalg.matrix_rank(h) < len(xi)
    inverse = np.linalg.inv(h.T @ h + ridge * np.eye(len(xi))) @ h.T if singular else np.linalg.inv(h)
    return (xi + h.T @ inverse @ xi) / 2
