"""Circles and boxes on the earth, and which members of a sorted set of geohashes lie within.

A search picks a grid so coarse that the area reaches no further than the cells around the one of its centre, then takes
these nine: the middle, north, south, east, west, north-east, north-west, south-east, south-west. Each is a range of
scores, whose members are looked at one by one. Results are in that order of cells, and by score within each, as Redis
returns them when no order is asked for.

Most candidates lie outside, and need no exact distance to be known as such: a difference of latitudes, or a sine, that
is too large by more than any error of rounding tells. What is near the edge is reckoned as Redis does.
"""

from __future__ import annotations

import math
from typing import Final, final

from mypy_extensions import i64

from respd.datatypes.geohash import (
    EARTH_RADIUS_M,
    LATITUDE_MAX,
    LONGITUDE_MAX,
    MAX_STEP,
    distance_m,
    haversine_m,
    interleave,
    latitude_distance_m,
    latitude_edge,
    latitude_of,
    longitude_edge,
    longitude_of,
    radians,
)
from respd.datatypes.sorted_sets import Element, SortedSet

_HALF_EQUATOR_M: Final = 20037726.37
_POLAR: Final = 66.0  # degrees of latitude beyond which cells are so narrow that a coarser grid is taken
_MORE_POLAR: Final = 80.0
_SURELY: Final = 1.0 + 1e-9
_FINEST: Final = 1e-9  # radians, some millimetres
_NEIGHBOURS: Final = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
_SMALL: Final = 7  # elements from which a sort picks its pivot from three
_LARGE: Final = 40  # and from nine


@final
class Area:
    """A circle, or a box of `width` by `height`, around a place; lengths are in a unit of `unit_m` metres."""

    def __init__(self) -> None:
        self.longitude: float = 0.0
        self.latitude: float = 0.0
        self.is_box: bool = False
        self.radius: float = 0.0
        self.width: float = 0.0
        self.height: float = 0.0
        self.unit_m: float = 1.0

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the degrees that the area lies within: west, south, east, north; perhaps beyond the map, or nan."""
        width = self.unit_m * (self.width / 2 if self.is_box else self.radius)
        height = self.unit_m * (self.height / 2 if self.is_box else self.radius)
        latitude_delta = _degrees(height / EARTH_RADIUS_M)
        nearest_pole = self.latitude - latitude_delta if self.latitude < 0 else self.latitude + latitude_delta
        longitude_delta = _degrees(width / EARTH_RADIUS_M / _cosine(radians(nearest_pole)))
        return (
            self.longitude - longitude_delta,
            self.latitude - latitude_delta,
            self.longitude + longitude_delta,
            self.latitude + latitude_delta,
        )

    def reach_m(self) -> float:
        """Return how far the area reaches from its centre, in metres."""
        if not self.is_box:
            return self.radius * self.unit_m
        half_width = self.width / 2
        half_height = self.height / 2
        return math.sqrt(half_width * half_width + half_height * half_height) * self.unit_m

    def cells(self) -> list[tuple[int, int]]:
        """Return the ranges of scores to look at, in Redis' order, each from a lowest one to below a highest one."""
        west, south, east, north = self.bounds()
        step = grid_step(self.reach_m(), self.latitude)
        grid = _Grid(step, self.longitude, self.latitude)
        if step > 1 and not grid.surrounds(west, south, east, north):
            step -= 1
            grid = _Grid(step, self.longitude, self.latitude)
        return grid.ranges(west, south, east, north)


def _degrees(angle: float) -> float:
    return angle / radians(1.0)


def _cosine(angle: float) -> float:
    return math.cos(angle) if math.isfinite(angle) else math.nan


def grid_step(reach_m: float, latitude: float) -> int:
    """Return the step of a grid whose cells are about as large as the reach of an area at that latitude."""
    if reach_m == 0.0:
        return MAX_STEP
    step = -1
    while reach_m < _HALF_EQUATOR_M and step < MAX_STEP + 2:  # at the poles two are taken off again
        reach_m *= 2
        step += 1
    if abs(latitude) > _POLAR:
        step -= 1
        if abs(latitude) > _MORE_POLAR:
            step -= 1
    return max(1, min(step, MAX_STEP))


@final
class _Grid:
    """A grid of 2**step by 2**step cells, and the one in it, `x` and `y`, that holds a place."""

    def __init__(self, step: int, longitude: float, latitude: float) -> None:
        self.step: int = step
        self.size: int = 1 << step
        cells = float(self.size)
        self.cells: float = cells
        self.x: int = int((longitude + LONGITUDE_MAX) / (LONGITUDE_MAX * 2) * cells)
        self.y: int = int((latitude + LATITUDE_MAX) / (LATITUDE_MAX * 2) * cells)

    def surrounds(self, west: float, south: float, east: float, north: float) -> bool:
        """Tell whether the cells around the middle one reach to these bounds. At its edges the map goes on anew."""
        return not (
            latitude_edge(self._near(self.y + 1) + 1, self.cells) < north
            or latitude_edge(self._near(self.y - 1), self.cells) > south
            or longitude_edge(self._near(self.x + 1) + 1, self.cells) < east
            or longitude_edge(self._near(self.x - 1), self.cells) > west
        )

    def _near(self, index: int) -> int:
        return index & (self.size - 1)

    def ranges(self, west: float, south: float, east: float, north: float) -> list[tuple[int, int]]:
        """Return the ranges of scores of the middle cell and those around it that reach into the bounds."""
        choosy = self.step >= 2
        no_south = choosy and latitude_edge(self.y, self.cells) < south
        no_north = choosy and latitude_edge(self.y + 1, self.cells) > north
        no_west = choosy and longitude_edge(self.x, self.cells) < west
        no_east = choosy and longitude_edge(self.x + 1, self.cells) > east
        shift = 2 * (MAX_STEP - self.step)
        ranges: list[tuple[int, int]] = []
        last = -1
        for dx, dy in _NEIGHBOURS:
            if (dy < 0 and no_south) or (dy > 0 and no_north) or (dx < 0 and no_west) or (dx > 0 and no_east):
                continue
            x = self._near(self.x + dx) if dx else self.x
            y = self._near(self.y + dy) if dy else self.y
            bits = int(interleave(x, y))
            if bits == last:  # in the coarsest grids the cell to the left is the one to the right
                continue
            ranges.append((bits << shift, (bits + 1) << shift))
            if len(ranges) > 1:
                last = bits
        return ranges


@final
class Found:
    """Members of a set within an area, and the distance in metres of each from the centre."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self.distances: list[float] = []

    def order(self, count: int, descending: bool) -> None:
        """Sort by distance, nearest first unless `descending`, and keep the first `count`.

        Of equally distant members Redis' order is kept: that of the search when all stay, else that of its quicksort.
        """
        distances = self.distances
        size = len(distances)
        places = sorted(range(size), key=distances.__getitem__, reverse=descending)
        if count < size:
            for index in range(count):
                if distances[places[index]] == distances[places[index + 1]]:
                    places = list(range(size))
                    _sort_first(places, [-far for far in distances] if descending else distances, count)
                    break
            del places[count:]
        elements = self.elements
        self.elements = [elements[place] for place in places]
        self.distances = [distances[place] for place in places]

    def cut(self, count: int) -> None:
        """Keep the first `count`."""
        del self.elements[count:]
        del self.distances[count:]


def search(zset: SortedSet, area: Area, limit: int) -> Found:
    """Return the members within an area; stop after `limit` unless that is 0. O(members in the cells around)."""
    found = Found()
    for low, high in area.cells():
        start = zset.rank_of_score(float(low), False)
        stop = zset.rank_of_score(float(high), False)
        if start >= stop:
            continue
        elements = zset.between(start, stop)
        if area.is_box:
            _search_box(elements, area, limit, found)
        else:
            _search_circle(elements, area, limit, found)
        if 0 < limit <= len(found.elements):
            break
    return found


def _search_circle(elements: list[Element], area: Area, limit: int, found: Found) -> None:
    radius_m = area.radius * area.unit_m
    longitude = radians(area.longitude)
    latitude = radians(area.latitude)
    cosine = math.cos(latitude)
    angle = radius_m / EARTH_RADIUS_M * _SURELY + _FINEST
    edge = math.sin(angle / 2) if angle < 3.0 else 2.0
    widest = edge * edge * _SURELY
    missing: i64 = limit - len(found.elements) if limit > 0 else -1
    for element in elements:
        bits: i64 = int(element.score)
        there = latitude_of(bits)
        other = radians(there)
        difference = other - latitude
        if difference > angle or difference < -angle:
            continue
        v = math.sin((radians(longitude_of(bits)) - longitude) / 2)
        if v == 0.0:
            distance = latitude_distance_m(area.latitude, there)
        else:
            u = math.sin(difference / 2)
            haversine = u * u + cosine * math.cos(other) * v * v
            if haversine > widest:
                continue
            distance = haversine_m(haversine)
        if distance > radius_m:
            continue
        found.elements.append(element)
        found.distances.append(distance)
        missing -= 1
        if missing == 0:
            break


def _search_box(elements: list[Element], area: Area, limit: int, found: Found) -> None:
    half_width_m = area.width * area.unit_m / 2
    half_height_m = area.height * area.unit_m / 2
    longitude = area.longitude
    latitude = area.latitude
    missing: i64 = limit - len(found.elements) if limit > 0 else -1
    for element in elements:
        bits: i64 = int(element.score)
        other = latitude_of(bits)
        if latitude_distance_m(other, latitude) > half_height_m:
            continue
        there = longitude_of(bits)
        if distance_m(there, other, longitude, other) > half_width_m:
            continue
        found.elements.append(element)
        found.distances.append(distance_m(longitude, latitude, there, other))
        missing -= 1
        if missing == 0:
            break


def _sort_first(places: list[int], keys: list[float], count: int) -> None:
    """Bring the `count` places with the lowest keys to the front, in order, by the quicksort of Bentley and McIlroy.

    That is the sort Redis uses for the first few of many, and the only one that orders equal keys as its replies do.
    Parts beyond `count` are left alone. Source: "Engineering a Sort Function", 1993.
    """
    low = 0
    size = len(places)
    while size >= _SMALL:
        _swap(places, low, _pivot(places, keys, low, size))
        left, right = _partition(places, keys, low, size)
        if left > 1:
            part = places[low : low + left]
            _sort_first(part, keys, count - low)
            places[low : low + left] = part
        low += size - right
        size = right
        if size <= 1 or low >= count:
            return
    for index in range(low + 1, low + size):
        at = index
        while at > low and keys[places[at - 1]] > keys[places[at]]:
            _swap(places, at, at - 1)
            at -= 1


def _swap(places: list[int], one: int, other: int) -> None:
    places[one], places[other] = places[other], places[one]


def _pivot(places: list[int], keys: list[float], low: int, size: int) -> int:
    middle = low + size // 2
    if size == _SMALL:
        return middle
    first = low
    last = low + size - 1
    if size > _LARGE:
        eighth = size // 8
        first = _median(places, keys, first, first + eighth, first + 2 * eighth)
        middle = _median(places, keys, middle - eighth, middle, middle + eighth)
        last = _median(places, keys, last - 2 * eighth, last - eighth, last)
    return _median(places, keys, first, middle, last)


def _median(places: list[int], keys: list[float], one: int, two: int, three: int) -> int:
    """Return which of three positions holds the middle key."""
    a = keys[places[one]]
    b = keys[places[two]]
    c = keys[places[three]]
    if a < b:
        if b < c:
            return two
        return three if a < c else one
    if b > c:
        return two
    return one if a < c else three


def _partition(places: list[int], keys: list[float], low: int, size: int) -> tuple[int, int]:
    """Split by the first element: lower, equal, higher ones; return the numbers of lower and of higher ones."""
    key = keys[places[low]]
    end = low + size
    equal_left = up = low + 1
    equal_right = down = end - 1
    while True:
        while up <= down and keys[places[up]] <= key:
            if keys[places[up]] == key:
                _swap(places, equal_left, up)
                equal_left += 1
            up += 1
        while up <= down and keys[places[down]] >= key:
            if keys[places[down]] == key:
                _swap(places, down, equal_right)
                equal_right -= 1
            down -= 1
        if up > down:
            break
        _swap(places, up, down)
        up += 1
        down -= 1
    # Equal ones were gathered at both ends; now they go to the middle.
    lower = up - equal_left
    moved = min(equal_left - low, lower)
    for index in range(moved):
        _swap(places, low + index, up - moved + index)
    higher = equal_right - down
    moved = min(higher, end - equal_right - 1)
    for index in range(moved):
        _swap(places, up + index, end - moved + index)
    return lower, higher
