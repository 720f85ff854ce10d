"""Other libraries' interfaces to the environments, each behind an extra of the package."""
