"""CPU time per epoch, seed and setting of outer POLA on the contribution game, without compilation.

    make bench

One program runs all 5 settings of a variant with 20 seeds each.
"""

import time

import jax
import pytest

from paper_figs.pola_tft import VARIANTS, runs, stack

SEEDS = 20


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.learner == "pola"], ids=lambda v: v.name)
def test_epochs(benchmark, variant):
    cells = list(variant.cells())
    games, learners = (
        stack([variant.game(f) for f, _ in cells]),
        stack([variant.make(n) for _, n in cells]),
    )

    def run():
        return jax.block_until_ready(runs(games, learners, jax.random.key(0), variant.steps, SEEDS))

    begin = time.process_time()
    out = run()
    first = time.process_time() - begin
    assert int(out["unsolved"].sum()) == 0
    benchmark.pedantic(run, rounds=3)
    each = benchmark.stats["median"] / (len(cells) * SEEDS * variant.steps)
    benchmark.extra_info |= {"cpu_s_per_epoch_seed_and_setting": each, "first_call_cpu_s": first}
    print(
        f"\n{variant.name}: {1e3 * each:.2f} CPU-ms per epoch, seed and setting; first call {first:.1f} CPU-s"
    )
