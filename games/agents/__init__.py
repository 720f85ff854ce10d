"""Agents that act in environments: tables, networks and scripted players."""

from games.agents.base import ActorCritic, Agent, Table, Trembling, agent
from games.agents.coin_scripted import COIN_AGENTS
from games.agents.policies import Architecture, GruPolicy, MlpPolicy, TablePolicy
from games.agents.recurrent import Recurrent

__all__ = [
    "COIN_AGENTS",
    "ActorCritic",
    "Agent",
    "Architecture",
    "GruPolicy",
    "MlpPolicy",
    "Recurrent",
    "Table",
    "TablePolicy",
    "Trembling",
    "agent",
]
