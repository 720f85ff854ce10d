"""`python -m analysis` is the command `shaping`."""

from analysis.cli.main import main

if __name__ == "__main__":
    main()
