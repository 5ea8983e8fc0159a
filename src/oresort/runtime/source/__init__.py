"""Where lines come from: a sender's bytes, or a folder that grows."""
