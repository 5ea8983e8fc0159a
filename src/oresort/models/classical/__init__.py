"""The sorters that the field used before networks: rules on pixels, learners on hand-made features."""
