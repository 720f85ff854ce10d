"""Names of classes in files; a class may move to another module and keep its name.

A learner's name is the one it has in `LEARNERS`.
"""

import importlib
from typing import Any

import equinox as eqx

LIBRARIES = (eqx.nn,)
"""Libraries whose public classes are named `library:Class` in files."""

CLASSES = {
    "automaton": "games.exact.automata:Automaton",
    "automaton_game": "games.exact.automata:AutomatonGame",
    "fixed_automaton": "shaping.learners.fixed:FixedAutomaton",
    "actor_critic": "games.agents.base:ActorCritic",
    "advantage_alignment": "shaping.learners.advantage_alignment:AdvantageAlignment",
    "against_past": "shaping.wrappers.past_opponents:AgainstPast",
    "alternating": "shaping.wrappers.basic:Alternating",
    "apart": "shaping.model_free.annealed:Apart",
    "auto_reset": "games.environments.auto_reset:AutoReset",
    "bounded": "shaping.meta.bounded_gradients:Bounded",
    "categorical": "shaping.networks.policies:Categorical",
    "cgd": "shaping.learners.cgd:Cgd",
    "clipped": "shaping.wrappers.basic:Clipped",
    "codes": "games.agents.recurrent:Codes",
    "coin_game": "games.environments.coin:CoinGame",
    "cola": "shaping.learners.cola:Cola",
    "consensus": "shaping.learners.consensus:Consensus",
    "convolution": "games.agents.recurrent:Convolution",
    "cooperate": "games.agents.coin_scripted:Cooperate",
    "defect": "games.agents.coin_scripted:Defect",
    "dense": "games.agents.recurrent:Dense",
    "detached": "shaping.meta.gradient_terms:Detached",
    "dice": "games.sampled.estimators:Dice",
    "every_k": "shaping.wrappers.basic:EveryK",
    "extragradient": "shaping.learners.extragradient:Extragradient",
    "execution_errors": "games.exact.parameterized:ExecutionErrors",
    "fixed": "shaping.learners.fixed:Fixed",
    "follower": "shaping.training.meva:Follower",
    "frozen": "shaping.wrappers.basic:Frozen",
    "gaussian": "shaping.networks.policies:Gaussian",
    "gru_policy": "games.agents.policies:GruPolicy",
    "hola2": "shaping.learners.hola:Hola",
    "in_the_matrix": "games.environments.in_the_matrix:InTheMatrix",
    "iterated": "games.exact.iterated:Iterated",
    "loaded_dice": "games.sampled.estimators:LoadedDice",
    "lola": "shaping.learners.lola:Lola",
    "lookahead": "shaping.learners.lookahead:LookAhead",
    "loqa": "shaping.learners.loqa:Loqa",
    "lss": "shaping.learners.lss:Lss",
    "matrix_game": "games.exact.matrix:MatrixGame",
    "meta_game": "shaping.meta.game:MetaGame",
    "meva": "shaping.learners.meva:Meva",
    "mfos": "shaping.learners.mfos:Mfos",
    "mlp": "games.agents.base:Mlp",
    "mlp_policy": "games.agents.policies:MlpPolicy",
    "mmaml": "shaping.learners.mmaml:Mmaml",
    "naive": "shaping.learners.naive:Naive",
    "network": "games.exact.parameterized:Network",
    "normed": "shaping.networks.meta_value:Normed",
    "opponent_model": "shaping.wrappers.opponent_model:OpponentModel",
    "optimistic": "shaping.learners.optimistic:Optimistic",
    "optimized": "shaping.wrappers.basic:Optimized",
    "parameterized": "games.exact.parameterized:Parameterized",
    "phc": "shaping.learners.phc:Phc",
    "pola": "shaping.learners.pola:Pola",
    "pola_dice": "shaping.learners.pola_dice:PolaDice",
    "ppo": "shaping.learners.ppo:Ppo",
    "preconditioned": "games.exact.parameterized:Preconditioned",
    "q_learning": "shaping.learners.q_learning:QLearning",
    "quadratic": "games.exact.smooth:Quadratic",
    "recurrent": "games.agents.recurrent:Recurrent",
    "remembered": "games.agents.coin_scripted:Remembered",
    "repetition": "games.environments.repeated_matrix:Repetition",
    "residual": "shaping.networks.meta_value:Residual",
    "sampled": "games.sampled.game:Sampled",
    "scripted": "shaping.learners.scripted:Scripted",
    "settled": "shaping.learners.fixed:Settled",
    "sga": "shaping.learners.sga:Sga",
    "smooth": "games.exact.smooth:Smooth",
    "sos": "shaping.learners.sos:Sos",
    "surrogate": "games.sampled.estimators:Surrogate",
    "table": "games.agents.base:Table",
    "table_policy": "games.agents.policies:TablePolicy",
    "tabular": "games.exact.parameterized:Tabular",
    "tit_for_tat": "games.agents.coin_scripted:TitForTat",
    "trembling": "games.agents.base:Trembling",
    "uniform": "games.agents.coin_scripted:Uniform",
    "value_network": "shaping.networks.meta_value:ValueNetwork",
}
"""Where the class of each name is defined. A file of format 2 names classes as `FORMAT_2` does."""


def class_name(kind: type) -> str | None:
    """The name of a class in files; None where it has none.

    Example:
        >>> from shaping import Lola
        >>> class_name(Lola), class_name(eqx.nn.Linear), class_name(dict)
        ('lola', 'equinox.nn:Linear', None)
    """
    for library in LIBRARIES:
        if getattr(library, kind.__qualname__, None) is kind:
            return f"{library.__name__}:{kind.__qualname__}"
    home = f"{kind.__module__}:{kind.__qualname__}"
    return _NAMES.get(home)


def class_of(name: str) -> Any:
    """The class of a name in files; None where there is none.

    Example:
        >>> class_of("lola").__name__, class_of("shaping.learners.lola:Lola").__name__, class_of("os:system")
        ('Lola', 'Lola', None)
    """
    for library in LIBRARIES:
        if name.startswith(f"{library.__name__}:"):
            return getattr(library, name.partition(":")[2], None)
    home = CLASSES.get(FORMAT_2.get(name, name), name)
    module, _, kind = home.partition(":")
    if not module.startswith(("games.", "shaping.")):
        return None
    try:
        found = getattr(importlib.import_module(module), kind, None)
    except ImportError:
        return None
    return found if isinstance(found, type) and class_name(found) == FORMAT_2.get(name, name) else None


def as_now(name: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name and the fields of a class in this version, from those that a file of any version holds.

    Example:
        >>> as_now("feedforward", {"layers": ()})
        ('mlp', {'activation': 'relu', 'layers': ()})
    """
    name = FORMAT_2.get(name, name)
    match name:
        case "feedforward":  # perceptrons of agents had one activation
            return "mlp", {"activation": "relu"} | fields
        case "mlp":  # and those of policies another
            return "mlp", {"activation": "tanh"} | fields
        case "update_network":
            return "mlp", fields
        case "recurrent":
            return name, {"encoder" if field == "eye" else field: value for field, value in fields.items()}
    return name, fields


FORMAT_2 = {
    "games.agents:ActorCritic": "actor_critic",
    "shaping.learners.advantage_alignment:AdvantageAlignment": "advantage_alignment",
    "shaping.past:AgainstPast": "against_past",
    "shaping.wrappers:Alternating": "alternating",
    "shaping.model_free.annealed:Apart": "apart",
    "games.auto_reset:AutoReset": "auto_reset",
    "shaping.bounded:Bounded": "bounded",
    "shaping.model_free.policies:Categorical": "categorical",
    "shaping.learners.cgd:Cgd": "cgd",
    "shaping.wrappers:Clipped": "clipped",
    "games.recurrent:Codes": "codes",
    "games.coin:CoinGame": "coin_game",
    "shaping.learners.cola:Cola": "cola",
    "shaping.learners.consensus:Consensus": "consensus",
    "games.recurrent:Convolution": "convolution",
    "games.coin_agents:Cooperate": "cooperate",
    "games.coin_agents:Defect": "defect",
    "games.recurrent:Dense": "dense",
    "shaping.meta_mapg:Detached": "detached",
    "games.dice:Dice": "dice",
    "shaping.wrappers:EveryK": "every_k",
    "shaping.learners.extragradient:Extragradient": "extragradient",
    "games.agents:Feedforward": "feedforward",
    "shaping.learners.fixed:Fixed": "fixed",
    "shaping.fit_meva:Follower": "follower",
    "shaping.wrappers:Frozen": "frozen",
    "shaping.model_free.policies:Gaussian": "gaussian",
    "games.architectures:GruPolicy": "gru_policy",
    "shaping.learners.hola:Hola": "hola2",
    "games.in_the_matrix:InTheMatrix": "in_the_matrix",
    "games.iterated:Iterated": "iterated",
    "games.dice:LoadedDice": "loaded_dice",
    "shaping.learners.lola:Lola": "lola",
    "shaping.learners.lookahead:LookAhead": "lookahead",
    "shaping.learners.loqa:Loqa": "loqa",
    "shaping.learners.lss:Lss": "lss",
    "games.matrix:MatrixGame": "matrix_game",
    "shaping.meta:MetaGame": "meta_game",
    "shaping.learners.meva:Meva": "meva",
    "shaping.learners.mfos:Mfos": "mfos",
    "shaping.model_free.policies:Mlp": "mlp",
    "games.architectures:MlpPolicy": "mlp_policy",
    "shaping.learners.mmaml:Mmaml": "mmaml",
    "shaping.learners.naive:Naive": "naive",
    "games.parameterized:Network": "network",
    "shaping.meta_value:Normed": "normed",
    "shaping.opponent_model:OpponentModel": "opponent_model",
    "shaping.learners.optimistic:Optimistic": "optimistic",
    "shaping.wrappers:Optimized": "optimized",
    "games.parameterized:Parameterized": "parameterized",
    "shaping.learners.phc:Phc": "phc",
    "shaping.learners.pola:Pola": "pola",
    "shaping.learners.pola_dice:PolaDice": "pola_dice",
    "shaping.learners.ppo:Ppo": "ppo",
    "games.parameterized:Preconditioned": "preconditioned",
    "shaping.learners.q_learning:QLearning": "q_learning",
    "games.smooth:Quadratic": "quadratic",
    "games.recurrent:Recurrent": "recurrent",
    "games.coin_agents:Remembered": "remembered",
    "games.repetition:Repetition": "repetition",
    "shaping.meta_value:Residual": "residual",
    "games.sampled:Sampled": "sampled",
    "shaping.scripted:Scripted": "scripted",
    "shaping.learners.settled:Settled": "settled",
    "shaping.learners.sga:Sga": "sga",
    "games.smooth:Smooth": "smooth",
    "shaping.learners.sos:Sos": "sos",
    "games.dice:Surrogate": "surrogate",
    "games.agents:Table": "table",
    "games.architectures:TablePolicy": "table_policy",
    "games.parameterized:Tabular": "tabular",
    "games.coin_agents:TitForTat": "tit_for_tat",
    "games.agents:Trembling": "trembling",
    "games.coin_agents:Uniform": "uniform",
    "shaping.learners.cola:UpdateNetwork": "update_network",
    "shaping.meta_value:ValueNetwork": "value_network",
}
"""Names of classes in files of format 2, which are the modules of that version, and their names now."""

_NAMES = {home: name for name, home in CLASSES.items()}
