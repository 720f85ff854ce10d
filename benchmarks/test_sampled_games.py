"""CPU time and memory of one player's outer step of POLA-DiCE at the published sizes, without compilation.

    taskset -c 0 python -m pytest benchmarks/test_sampled_games.py -p no:xdist \\
        --benchmark-timer=time.process_time -s

The networks of the iterated contribution game are recurrent, of width 64; batch 2000, 50 steps and 2
inner steps. For comparison, the same step is measured with networks that are evaluated per episode (`vmap`)
and encode every observation, even if equal ones occur. Several outer steps are one program, as in a training.
"""

import functools
import time
from typing import Any

import jax
import pytest

from games import PLAYABLE
from games.agents.base import Agent
from games.agents.recurrent import Recurrent
from games.compiler import options
from shaping.base import View
from shaping.learners.pola_dice import PolaDice

STEPS = 3
SIZES = {"ipd_gru": {"batch": 2000, "inner_steps": 2}, "coin_lola": {"batch": 1000, "inner_steps": 4}}


@pytest.mark.parametrize(("name", "plain"), [("ipd_gru", False), ("ipd_gru", True), ("coin_lola", False)])
def test_an_outer_step(benchmark, monkeypatch, name, plain):
    if plain:
        monkeypatch.setattr(Recurrent, "unroll_batch", Agent.unroll_batch)
        monkeypatch.setattr(Recurrent, "specialize", Agent.specialize)
        monkeypatch.setattr(Recurrent, "start_batch", Agent.start_batch)
    game, learner = (
        PLAYABLE.make(name, batch=SIZES[name]["batch"]),
        PolaDice(inner_steps=SIZES[name]["inner_steps"], steps=STEPS),
    )
    params = game.init(jax.random.key(0))

    @functools.partial(jax.jit, compiler_options=options(loops=True))
    def update(learner, game, params, key):
        view = View(game, params, 0, key)
        return learner.update(learner.init(view), view)[0]

    begin = time.process_time()
    program = update.lower(learner, game, params, jax.random.key(1)).compile()
    first = time.process_time() - begin
    memory: Any = program.memory_analysis()
    held = memory.temp_size_in_bytes + memory.argument_size_in_bytes + memory.output_size_in_bytes
    benchmark.pedantic(
        lambda: jax.block_until_ready(program(learner, game, params, jax.random.key(1))), rounds=3
    )
    each = benchmark.stats["median"] / STEPS
    benchmark.extra_info |= {"cpu_s_per_outer_step": each, "compile_cpu_s": first, "bytes": held}
    how = f"{name}, episode by episode" if plain else name
    print(
        f"\n{how}: {each:.2f} CPU-s per outer step, {held / 1e6:.0f} MB; compiled in {first:.1f} CPU-s",
        end="",
    )
