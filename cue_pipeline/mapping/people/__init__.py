"""What people decided, and the CSV file in which they do."""
