"""A page that shows the belt as it is sorted."""
