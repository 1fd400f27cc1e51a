"""From a colour picture to the array a model takes."""

from __future__ import annotations

import numpy as np

from veilleur.geometry import FloatArray, ImageArray
from veilleur.perception.models import ModelConfiguration


def padded(image: ImageArray, height: int, width: int, grey: int) -> ImageArray:
    """(1, height, width, 3): the picture at the top left, grey on the right and below."""
    rows, columns = image.shape[:2]
    if image.ndim != 3 or image.shape[2] != 3 or rows > height or columns > width:
        raise ValueError(f"a picture of {image.shape} doesn't fit an input of {height}x{width}x3")
    if (rows, columns) == (height, width):
        return np.ascontiguousarray(image)[np.newaxis]
    out = np.empty((1, height, width, 3), np.uint8)
    out[0, :rows, :columns] = image
    out[0, rows:] = grey
    out[0, :rows, columns:] = grey
    return out


def tensor(
    image: ImageArray, height: int, width: int, model: ModelConfiguration
) -> ImageArray | FloatArray:
    """The input of `model`: see ModelConfiguration.layout."""
    picture = padded(image, height, width, model.padding)
    if model.layout == "picture":
        return picture
    if model.colours == "rgb":
        picture = picture[..., ::-1]
    values = picture.astype(np.float32)
    values -= np.asarray(model.mean, np.float32)
    values /= np.asarray(model.deviation, np.float32)
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))
