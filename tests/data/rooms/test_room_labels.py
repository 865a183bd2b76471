import numpy as np

from mtl.data.rooms.labels import edge_map, saliency_map
from mtl.data.rooms.scene import CLASSES


def test_edge_marks_the_pixel_right_of_or_below_a_change():
    instance = np.array([[0, 0, 1], [0, 2, 1], [0, 2, 2]])
    assert edge_map(instance).tolist() == [[0, 0, 1], [0, 1, 1], [0, 1, 1]]


def test_one_instance_has_no_edge():
    assert edge_map(np.zeros((4, 5), int)).sum() == 0


def saliency(*names, instance):
    labels = np.array([CLASSES.index(name) for name in names], np.uint8)
    return saliency_map(np.array(instance), labels).tolist()


def test_structure_is_never_salient():
    assert saliency("wall", "door", instance=[[0, 1], [0, 1]]) == [[0, 0], [0, 0]]


def test_a_person_outshines_a_cabinet_of_the_same_size():
    assert saliency("cabinet", "person", instance=[[0, 1], [0, 1]]) == [[0, 1], [0, 1]]


def test_of_two_equal_chairs_the_central_one_is_salient():
    row = [2] + [0] * 2 + [2] * 9 + [1] * 2 + [2] * 5
    assert saliency("chair", "chair", "wall", instance=[row]) == [[int(value == 1) for value in row]]
