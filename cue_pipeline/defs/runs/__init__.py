"""The processes that do runs: started, watched, told to end, and recorded when they died."""
