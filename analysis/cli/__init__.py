"""The `shaping` command, one file per subcommand; nothing heavy is imported before a command runs."""
