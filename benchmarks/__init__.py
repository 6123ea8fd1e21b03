"""What is measured, one command each; `make bench` runs all."""
