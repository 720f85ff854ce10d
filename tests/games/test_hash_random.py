"""Random numbers by a hash: the hash is PCG4D, and what is drawn is uniform."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games.hash_random import below, derive, pcg4d, uniform, words

pytestmark = pytest.mark.usefixtures("quickly_compiled")


def test_the_hash_is_pcg4d():
    """PCG4D in Python's integers."""

    def mix(x, y, z, w):
        x += y * w
        y += z * x
        z += x * y
        w += y * z
        return [v % 2**32 for v in (x, y, z, w)]

    for block in np.random.default_rng(0).integers(2**32, size=(20, 4)).tolist():
        v = mix(*((b * 1664525 + 1013904223) % 2**32 for b in block))
        expected = mix(*(x ^ (x >> 16) for x in v))
        assert [int(x) for x in pcg4d(tuple(jnp.uint32(b) for b in block))] == expected


def test_draws_are_uniform_and_keys_apart():
    """Counted keys, the most regular there are, in two streams: bytes, small integers and pairs of consecutive draws."""
    n = 2**14
    keys = [jax.vmap(lambda i, s=s: derive(jax.random.key(0), i, s))(jnp.arange(n)) for s in (0, 1)]
    assert len(np.unique(np.concatenate([jax.random.key_data(k) for k in keys]), axis=0)) == 2 * n
    drawn = np.concatenate([np.asarray(jax.vmap(lambda k: jnp.stack(words(k, 6)))(k)) for k in keys])
    for shift in (0, 8, 16, 24):
        check_uniform(drawn >> shift & 255, 256)
    for bins in (2, 5, 9):
        cells = np.asarray(below(jnp.asarray(drawn), bins))
        check_uniform(cells, bins)
        check_uniform(cells[1:] * bins + cells[:-1], bins**2)  # of consecutive keys
        check_uniform(cells[:, 1:] * bins + cells[:, :-1], bins**2)  # of one key
    assert 0 <= uniform(jnp.uint32(0)) < uniform(jnp.uint32(2**32 - 1)) < 1


def check_uniform(numbers, bins):
    """Pearson's statistic within 4.5 standard deviations of its mean."""
    counts = np.bincount(numbers.ravel().astype(int), minlength=bins)
    expected = numbers.size / bins
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert abs(statistic - (bins - 1)) < 4.5 * np.sqrt(2 * (bins - 1))
