"""What happens in a tumor without treatment: one mechanism a file."""
