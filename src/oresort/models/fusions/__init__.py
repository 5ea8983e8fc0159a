"""The fusions, a module for each level. Each is one class here and one file in conf/model/fusion/."""
