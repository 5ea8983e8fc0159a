"""Which lines and pixels of a belt show something, judged while the lines come."""
