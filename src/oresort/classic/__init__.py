"""The sorters of the field before networks: rules, hand-made features, learners."""
