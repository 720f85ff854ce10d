"""A matrix taken apart by rows, whose parts the way back writes into one matrix in place."""

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

from games.compiler import jit


def parts(x: Float[Array, "*batch rows columns"], n: int) -> tuple[Float[Array, "*batch part columns"], ...]:
    """Equal parts of a matrix's rows, as `jnp.split` along the last axis but one, with a quicker derivative.

    JAX differentiates slices as a sum of matrices of zeros but for one part each, which XLA does not
    vectorize on a CPU; here the matrix is filled part by part. Derivatives of every order and direction, and
    `vmap`, are as for slices.

    Args:
        x: the matrix, or a batch of them; its number of rows is a multiple of n.
        n: how many parts, at least 1.

    Returns:
        The parts, from the first rows on.

    Raises:
        ValueError: where n does not divide the number of rows.

    Example:
        >>> [part.tolist() for part in parts(jnp.arange(4.0).reshape(4, 1), 2)]
        [[[0.0], [1.0]], [[2.0], [3.0]]]
    """
    if n < 1 or x.shape[-2] % n:
        raise ValueError(
            f"{x.shape[-2]} rows were to fall into {n} equal parts; take a number that divides them."
        )
    return tuple(_apart.bind(x, n=n))


def _slices(x, *, n):
    rows = x.shape[-2] // n
    return [jax.lax.slice_in_dim(x, i * rows, (i + 1) * rows, axis=-2) for i in range(n)]


def _filled(*xs):
    *batch, rows, columns = xs[0].shape
    whole = jnp.zeros((*batch, rows * len(xs), columns), xs[0].dtype)
    for i, x in enumerate(xs):
        whole = jax.lax.dynamic_update_slice_in_dim(whole, x, i * rows, axis=-2)
    return whole


def _resized(aval, rows):
    return aval.update(shape=(*aval.shape[:-2], rows, aval.shape[-1]))


_apart, _together = Primitive("parts"), Primitive("whole")
_apart.multiple_results = True
_apart.def_impl(jit(_slices, static_argnames="n"))
_together.def_impl(jit(_filled))
_apart.def_abstract_eval(lambda x, *, n: [_resized(x, x.shape[-2] // n)] * n)
_together.def_abstract_eval(lambda *xs: _resized(xs[0], xs[0].shape[-2] * len(xs)))
mlir.register_lowering(_apart, mlir.lower_fun(_slices, multiple_results=True))
mlir.register_lowering(_together, mlir.lower_fun(_filled, multiple_results=False))
ad.deflinear2(_apart, lambda cotangents, x, *, n: [_together.bind(*map(ad.instantiate_zeros, cotangents))])
ad.deflinear2(
    _together,
    lambda cotangent, *xs: [
        c if ad.is_undefined_primal(x) else None for c, x in zip(parts(cotangent, len(xs)), xs, strict=True)
    ],
)


def _batched_apart(args, axes, *, n):
    return _apart.bind(jnp.moveaxis(args[0], axes[0], 0), n=n), [0] * n


def _batched_together(args, axes):
    lanes = next(x.shape[axis] for x, axis in zip(args, axes, strict=True) if isinstance(axis, int))
    return _together.bind(
        *(batching.bdim_at_front(x, axis, lanes) for x, axis in zip(args, axes, strict=True))
    ), 0


batching.primitive_batchers[_apart] = _batched_apart
batching.primitive_batchers[_together] = _batched_together
