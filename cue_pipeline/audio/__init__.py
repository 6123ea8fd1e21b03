"""Audio files to channel groups, composites, mel spectrograms and final mixes."""
