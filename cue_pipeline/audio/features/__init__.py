"""Features of the sound beside mel: what a kind is, the kinds that ship, the pass that makes them.

A kind is one module here and one line in :mod:`.shipped`; docs/features.md is its page for users.
"""
