"""How well particles are found and parted on simulated belts."""
