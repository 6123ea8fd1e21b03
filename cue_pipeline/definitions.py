"""The code location, assembled once; nothing else happens here."""
