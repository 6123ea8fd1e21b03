"""The command line: thin, over defs and warehouse."""
