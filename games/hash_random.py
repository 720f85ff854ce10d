"""A cheap random number generator for environments: random integers are hashes of a key.

A step of a grid world needs two or three small integers, for which Threefry (JAX's generator) would cost more
than the rest of the step. The hash is PCG4D, from four 32-bit words to four (Jarzynski & Olano 2020, "Hash
functions for GPU rendering", which tests it by TestU01).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt32

Word = UInt32[Array, ""]
Words = tuple[Word, ...]


def pcg4d(block: Words) -> Words:
    """Hash four words to four words, by a bijection."""
    x, y, z, w = (word * np.uint32(1664525) + np.uint32(1013904223) for word in block)
    x, y, z, w = feistel(x, y, z, w)
    return feistel(*(word ^ (word >> np.uint32(16)) for word in (x, y, z, w)))


def feistel(x: Word, y: Word, z: Word, w: Word) -> Words:
    """Add to each word in turn the product of two others, the second half of each round of PCG4D."""
    x = x + y * w
    y = y + z * x
    z = z + x * y
    w = w + y * z
    return x, y, z, w


def seed(key: Key[Array, ""]) -> Words:
    """Two words of a key: the key's own two words, or a hash of its four."""
    data = jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
    parts = tuple(data[i] for i in range(data.shape[0]))
    return parts if len(parts) == 2 else pcg4d(parts)[:2]


def words(key: Key[Array, ""], n: int) -> Words:
    """Draw n uniform 32-bit words; the key may otherwise be used in `derive` only.

    Args:
        key: a typed key, or its raw words.
        n: number of words.

    Example:
        >>> len(words(jax.random.key(0), 6))
        6
    """
    first, second = seed(key)
    blocks = (
        pcg4d((first, second, jnp.full_like(first, block), jnp.zeros_like(first)))
        for block in range(-(-n // 4))
    )
    return jax.lax.optimization_barrier(
        tuple(word for block in blocks for word in block)[:n]
    )  # without it XLA computes the hash again for every use


def derive(key: Key[Array, ""], number: Int[Array, ""] | int, stream: int = 0) -> Key[Array, ""]:
    """Derive the key of a number, such as a step: like `jax.random.fold_in`, in a tenth of its time.

    Args:
        key: a typed key, or its raw words.
        number: number of the derived key in its stream.
        stream: number of the stream, at least 0; different streams have different keys.

    Returns:
        A key of the same kind as `key`.
    """
    first, second = seed(key)
    block = pcg4d((first, second, jnp.asarray(number).astype(jnp.uint32), jnp.full_like(first, stream + 1)))
    if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return jnp.stack(block[: key.shape[0]])
    impl = jax.random.key_impl(key)
    return jax.random.wrap_key_data(jnp.stack(block[: jax.random.key_data(key).shape[0]]), impl=impl)


def below(word: Word, n: int) -> Int[Array, ""]:
    """A uniform integer in 0..n-1 from a word; for n below 256 every probability is exact to 2**-24."""
    bits = 32 - int(n).bit_length()
    return ((word >> np.uint32(32 - bits)) * np.uint32(n) >> np.uint32(bits)).astype(jnp.int32)


def uniform(word: Word) -> Float[Array, ""]:
    """A uniform number in [0, 1) from a word, a multiple of 2**-24."""
    return (word >> np.uint32(8)) * jnp.asarray(2.0**-24, float)
