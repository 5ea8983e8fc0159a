"""The towers: one image in, one vector out. Each is one class here and one file in conf/model/tower/."""
