"""Assets, one module each: read, call one pure function, return tables."""
