"""3D models of weapons and of what looks like them, drawn by the painter's algorithm."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

TYPES = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
PARTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
LENGTHS = {  # metres, of those that weapons are and of those that are none
    "SawedOff": 0.45, "Shotgun": 0.9, "Pistol": 0.2, "Revolver": 0.25, "Knife": 0.3, "Dagger": 0.35,
    "Phone": 0.15, "Radio": 0.22, "Torch": 0.25, "Bottle": 0.25, "Bandages": 0.12, "Compass": 0.1,
}  # fmt: skip
WEAPONS = frozenset(("SawedOff", "Shotgun", "Pistol", "Revolver", "Knife", "Dagger"))
JUDGED = frozenset((  # never learnt from: another of its kind is
    "survival_pack_Pistol_2", "survival_pack_Revolver_3", "survival_pack_Shotgun_2",
    "survival_pack_Knife", "medieval_weapons_pack_Dagger_2", "survival_pack_WaterBottle_3",
    "survival_pack_Compass_Open",
))  # fmt: skip
FINER = 3  # drawn so many times larger


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """kind: what it is. vertices (n, 3), the longest extent is 1; triangles (m, 3); grey (m,)
    0..1."""

    name: str
    kind: str
    weapon: bool
    length_m: float
    vertices: np.ndarray
    triangles: np.ndarray
    grey: np.ndarray


def library(folder: Path) -> list[Model]:
    """Every model of weapon/models_cc0 that is named above."""
    found = []
    for file in sorted(folder.glob("*.glb")):
        kind = next((kind for kind in LENGTHS if kind in file.stem), None)
        if kind is not None:
            found.append(_model(file, kind))
    return found


def _model(file: Path, kind: str) -> Model:
    raw = file.read_bytes()
    size = struct.unpack("<I", raw[12:16])[0]
    scene = json.loads(raw[20 : 20 + size])
    meshes = list(_meshes(scene, raw[28 + size :]))
    offsets = np.cumsum([0, *(len(vertices) for vertices, _, _ in meshes)])
    vertices = np.concatenate([vertices for vertices, _, _ in meshes])
    triangles = np.concatenate([t + o for (_, t, _), o in zip(meshes, offsets, strict=False)])
    grey = np.concatenate([np.full(len(t), g) for _, t, g in meshes])
    length_m, ordered = LENGTHS[kind], shaped(vertices)
    return Model(file.stem, kind, kind in WEAPONS, length_m, ordered, triangles, grey)


def shaped(vertices: np.ndarray) -> np.ndarray:
    """(n, 3) about its middle, the longest extent 1 and across, then the next."""
    middle = (vertices.max(axis=0) + vertices.min(axis=0)) / 2
    extents = np.ptp(vertices, axis=0)
    return (vertices - middle)[:, np.argsort(-extents)] / extents.max()


def _meshes(scene: dict[str, Any], data: bytes) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    waiting = [(node, np.eye(4)) for node in scene["scenes"][scene.get("scene", 0)]["nodes"]]
    while waiting:
        number, above = waiting.pop(0)
        node = scene["nodes"][number]
        place = above @ _placed(node)
        waiting += [(child, place) for child in node.get("children", [])]
        for part in scene["meshes"][node["mesh"]]["primitives"] if "mesh" in node else ():
            points = _array(scene, data, part["attributes"]["POSITION"]).astype(np.float64)
            corners = _array(scene, data, part["indices"]).reshape(-1, 3).astype(np.int64)
            yield points @ place[:3, :3].T + place[:3, 3], corners, _grey(scene, part)


def _array(scene: dict[str, Any], data: bytes, number: int) -> np.ndarray:
    accessor = scene["accessors"][number]
    view = scene["bufferViews"][accessor["bufferView"]]
    kind, parts = np.dtype("<" + TYPES[accessor["componentType"]]), PARTS[accessor["type"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    stride = view.get("byteStride", 0) or parts * kind.itemsize
    rows = [
        np.frombuffer(data, kind, parts, start + row * stride) for row in range(accessor["count"])
    ]
    return np.stack(rows)


def _grey(scene: dict[str, Any], part: dict[str, Any]) -> float:
    material = scene["materials"][part["material"]] if "material" in part else {}
    colour = material.get("pbrMetallicRoughness", {}).get("baseColorFactor", (0.7, 0.7, 0.7, 1))
    return float(np.dot(colour[:3], (0.299, 0.587, 0.114)) ** (1 / 2.2))


def _placed(node: dict[str, Any]) -> np.ndarray:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    made = np.eye(4)
    made[:3, :3] = turn * np.array(node.get("scale", (1, 1, 1)))
    made[:3, 3] = node.get("translation", (0, 0, 0))
    return made


def draw(model: Model, random: Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(size, size) grey 0..255, and how much of each pixel it covers, 0..1; mostly from aside."""
    points = _turned(model.vertices, random)
    corners = points[model.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    light = np.array([random.uniform(-1, 1), random.uniform(-1, 0.2), random.uniform(0.3, 1)])
    lit = np.abs(normals @ (light / np.linalg.norm(light)))
    base = model.grey * random.uniform(0.4, 1.1) + random.uniform(0, 0.15)
    shade = base * (random.uniform(0.35, 0.7) + random.uniform(0.3, 0.6) * lit)
    shade += 0.25 * random.random() * lit**8
    at = ((points[:, :2] * 0.9 + 0.5) * size * FINER).astype(np.int32)
    grey, cover = (np.zeros((size * FINER, size * FINER), np.uint8) for _ in range(2))
    for number in np.argsort(corners[:, :, 2].mean(axis=1)):
        polygon = at[model.triangles[number]]
        cv2.fillConvexPoly(grey, polygon, int(255 * min(max(shade[number], 0), 1)))
        cv2.fillConvexPoly(cover, polygon, 255)
    small = (size, size)
    return (
        cv2.resize(grey, small, interpolation=cv2.INTER_AREA),
        cv2.resize(cover, small, interpolation=cv2.INTER_AREA) / 255.0,
    )


def _turned(vertices: np.ndarray, random: Generator) -> np.ndarray:
    points = vertices * (random.choice((-1, 1)), 1, 1)
    aside = random.random() < 0.7
    yaw = math.radians(random.uniform(-60, 60) if aside else random.uniform(-180, 180))
    pitch = math.radians(random.uniform(-40, 40))
    about_y = np.array(
        [[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]]
    )
    about_x = np.array(
        [[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]]
    )
    return points @ (about_x @ about_y).T
