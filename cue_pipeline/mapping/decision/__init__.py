"""From names, the model's answer and the sound to one stem per track, and the doubt."""
