"""Named strategies beyond memory one, as finite automata."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from games.exact.automata import Automaton, memory_one_automaton
from games.registry import Registry, nearest
from games.strategies.named import STRATEGIES

AUTOMATA = Registry("automaton")
"""Named strategies that are no memory-one strategies; `automaton` finds these and the memory-one ones."""

C, D = 0, 1
TFT_C, TFT_D, ALL_D, ALL_C = "tft_c", "tft_d", "all_d", "all_c"
TAILS: dict[Any, tuple[int, Any, Any]] = {
    TFT_C: (C, TFT_C, TFT_D),
    TFT_D: (D, TFT_C, TFT_D),
    ALL_D: (D, ALL_D, ALL_D),
    ALL_C: (C, ALL_C, ALL_C),
}
"""States of tit for tat, of permanent defection and of permanent cooperation, for other automata to end in."""


def automaton(name: str, **settings: Any) -> Automaton:
    """A named strategy as an automaton.

    Args:
        name: a name or an alias in `AUTOMATA`, or of a memory-one strategy in `STRATEGIES`.
        **settings: arguments of the strategy.

    Raises:
        ValueError: for an unknown name or setting.

    Example:
        >>> automaton("tit_for_two_tats").probabilities.tolist()
        [1.0, 1.0, 1.0, 0.0]
    """
    for registry in (AUTOMATA, STRATEGIES):
        if name in registry:
            made = registry.make(name, **settings)
            return made if isinstance(made, Automaton) else memory_one_automaton(made)
    names = [entry.name for registry in (AUTOMATA, STRATEGIES) for entry in registry]
    raise ValueError(f"There is no strategy {name!r}; {nearest(str(name), names)}.")


def deterministic(states: dict[Any, tuple[int, Any, Any]]) -> Automaton:
    """A deterministic automaton whose next state depends on the other player's action.

    Args:
        states: by name, the first one the start: the action (0 or 1), the next state after the other
            cooperated, and the next state after it defected. Names of `TAILS` need not be given.

    Example:
        >>> deterministic({"only": (0, "only", "all_d")}).successors.tolist()
        [[0, 1, 0, 1], [1, 1, 1, 1]]
    """
    known, names = TAILS | states, list(states)
    for name in names:  # grows while it is walked through
        names += [later for later in dict.fromkeys(known[name][1:]) if later not in names]
    rows = [known[name] for name in names]
    after = [[names.index(after_c), names.index(after_d)] * 2 for _, after_c, after_d in rows]
    return Automaton(np.array([float(action == C) for action, *_ in rows]), np.array(after))


def last_actions(memory: int, defects: Callable[[Sequence[int]], bool]) -> Automaton:
    """A strategy that defects depending on the other's last actions; before the start it counts cooperation."""
    pasts = list(itertools.product((C, D), repeat=memory))
    return deterministic(
        {past: (D if defects(past) else C, (*past[1:], C), (*past[1:], D)) for past in pasts}
    )


@AUTOMATA.register("axelrod1984evolution", "tf2t")
def tit_for_two_tats() -> Automaton:
    """Defect if the other defected in both of the last two steps, otherwise cooperate."""
    return last_actions(2, lambda past: past == (D, D))


@AUTOMATA.register("axelrod1984evolution", "2tft")
def two_tits_for_tat() -> Automaton:
    """Defect if the other defected in one of the last two steps, otherwise cooperate."""
    return last_actions(2, lambda past: D in past)


@AUTOMATA.register("axelrod1984evolution", "htft")
def hard_tit_for_tat() -> Automaton:
    """Defect if the other defected in one of the last three steps, otherwise cooperate."""
    return last_actions(3, lambda past: D in past)


@AUTOMATA.register("stewart2012extortion", "htf2t")
def hard_tit_for_two_tats() -> Automaton:
    """Defect if the other defected twice in a row within the last three steps, otherwise cooperate."""
    return last_actions(3, lambda past: past[1] == D and D in (past[0], past[2]))


@AUTOMATA.register("axelrod1984evolution", "cd")
def alternator() -> Automaton:
    """Cooperate and defect in turn."""
    return deterministic({0: (C, 1, 1), 1: (D, 0, 0)})


@AUTOMATA.register("axelrod1984evolution", "ccd")
def cycler_ccd() -> Automaton:
    """Cooperate twice, defect once, and again from the start."""
    return deterministic({0: (C, 1, 1), 1: (C, 2, 2), 2: (D, 0, 0)})


@AUTOMATA.register("li2011engineering")
def prober() -> Automaton:
    """Play D, C, C; then defect for ever if the other cooperated at steps 2 and 3, otherwise play tit for tat."""
    return deterministic(
        {0: (D, 1, 1), 1: (C, "kind", "not kind"), "kind": (C, ALL_D, TFT_D), "not kind": (C, TFT_C, TFT_D)}
    )


@AUTOMATA.register("li2011engineering")
def prober_2() -> Automaton:
    """Play D, C, C; then cooperate for ever if the other played D, C at steps 2 and 3, otherwise tit for tat."""
    return deterministic(
        {
            0: (D, 1, 1),
            1: (C, "after C", "after D"),
            "after C": (C, TFT_C, TFT_D),
            "after D": (C, ALL_C, TFT_D),
        }
    )


@AUTOMATA.register("li2011engineering")
def prober_3() -> Automaton:
    """Play D, C; then defect for ever if the other cooperated at step 2, otherwise play tit for tat."""
    return deterministic({0: (D, 1, 1), 1: (C, ALL_D, TFT_D)})


@AUTOMATA.register("li2011engineering")
def hard_prober() -> Automaton:
    """Play D, D, C, C; then defect for ever if the other cooperated at steps 2 and 3, otherwise tit for tat."""
    return deterministic(
        {
            0: (D, 1, 1),
            1: (D, "kind 2", "not 2"),
            "kind 2": (C, "kind 3", "not 3"),
            "not 2": (C, "not 3", "not 3"),
            "kind 3": (C, ALL_D, ALL_D),
            "not 3": (C, TFT_C, TFT_D),
        }
    )
