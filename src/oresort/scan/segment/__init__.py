"""What of the belt is covered, and by how many particles."""
