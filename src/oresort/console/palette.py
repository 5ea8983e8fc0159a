"""Colours that stay apart for every common colour blindness (Okabe and Ito, 2008)."""

GREEN = "#009E73"
BLUE = "#0072B2"
SKY = "#56B4E9"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#999999"
BLACK = "#000000"

ORE, WASTE = GREEN, VERMILION
LOW, HIGH = BLUE, VERMILION
