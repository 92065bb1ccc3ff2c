"""The command line: one file a command group, and one file that prints."""
