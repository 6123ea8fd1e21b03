"""The chat model: questions, answers, prices, batches."""
