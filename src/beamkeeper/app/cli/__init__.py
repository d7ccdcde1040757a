"""The command line: one module a subcommand, each parses, calls, prints, and returns an exit status."""
