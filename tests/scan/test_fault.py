from oresort.scan.fault import Fault, joined, runs


def test_a_fault_names_layer_place_kind_and_what_was_done():
    assert str(Fault("low", "dead", None, slice(1500, 1628), False)) == "low layer, columns 1500-1627: dead, not mended"
    assert str(Fault("both", "lost", slice(7, 8), None, True)) == "both layers, lines 7: lost, mended"
    assert "columns 0-255, lines 0-1" in str(Fault("high", "lost", slice(0, 2), slice(0, 256), True))
    assert "everywhere" in str(Fault("high", "noise", None, None, False))


def test_what_follows_line_by_line_is_one_fault_and_alike_layers_are_both():
    dead = [
        Fault(layer, "dead", slice(n, n + 32), slice(3, 9), False) for n in (32, 0, 64) for layer in ("low", "high")
    ]
    other = Fault("low", "dead", slice(120, 130), slice(3, 9), False)
    assert joined([*dead, other]) == [Fault("both", "dead", slice(0, 96), slice(3, 9), False), other]
    assert joined([]) == []


def test_marks_side_by_side_are_one_run():
    assert runs([]) == []
    assert runs([3, 4, 5, 9, 11, 12]) == [slice(3, 6), slice(9, 10), slice(11, 13)]
