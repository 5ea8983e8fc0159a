"""How many labels does a mine need, and what do pairs without labels, or simulated ones, give before?"""
