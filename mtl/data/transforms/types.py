"""Label types that tell torchvision's v2 transforms how a map of metres or of directions behaves."""

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F


class Depth(tv_tensors.Mask):
    """Distance along the optical axis in metres, 0 where not valid. Shape [1, H, W].

    It moves like a class map: geometric transforms sample the nearest pixel, for a mean of two depths
    across an object's boundary is a surface that does not exist.
    """


class Normals(tv_tensors.Mask):
    """Unit vectors in the camera frame (x right, y down, z forward), 0 where not valid. Shape [3, H, W].

    It moves like a class map, and a mirror image turns its vectors too.
    """


@F.register_kernel(F.horizontal_flip, Normals)
def flip_normals(normals: Tensor) -> Normals:
    """Mirror the map left to right and the x component of every vector with it.

    Args:
        normals: Unit vectors. Shape [3, H, W].
    """
    mirror = torch.tensor([-1.0, 1.0, 1.0]).view(3, 1, 1)
    return Normals(normals.as_subclass(Tensor).flip(-1) * mirror)
