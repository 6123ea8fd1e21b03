"""All the cues together: what each lacks, what people decided, what waits at the model."""
