"""What all commands share on the screen and on the command line."""
