"""The `shaping` command, one file per subcommand; heavy imports happen when a command runs."""
