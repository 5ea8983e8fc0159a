"""The heads: one vector in, two logits out. Each is one class here and one file in conf/model/head/."""
