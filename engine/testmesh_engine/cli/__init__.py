"""The command line: arguments in, exit code out. It decides nothing."""
