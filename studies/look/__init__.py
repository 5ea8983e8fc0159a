"""Where models look: inside the particles, or at their outlines?"""
