"""What another mine or sorter does to a model, and what gives it back."""
