"""Adapters to other libraries' interfaces of environments; each needs an optional dependency."""
