"""Towers, fusions and heads as plain torch modules; nothing here knows of Lightning or Hydra."""
