"""Geohashes and searches against a brute force, and the claims their texts make."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.geo_areas import Area, Found, grid_step, search
from respd.datatypes.geohash import (
    LATITUDE_MAX,
    LONGITUDE_MAX,
    bits_of_score,
    distance_m,
    encode,
    interleave,
    latitude_distance_m,
    latitude_of,
    longitude_of,
    spread,
    squeeze,
    text_of,
)
from respd.datatypes.limits import Limits
from respd.datatypes.sorted_sets import Element, SortedSet

LONGITUDES = st.floats(-LONGITUDE_MAX, LONGITUDE_MAX)
LATITUDES = st.floats(-LATITUDE_MAX, LATITUDE_MAX)
ORDERS = [(0, False), (1, False), (5, False), (5, True), (40, True), (10**6, False), (10**6, True)]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**31 - 1))
def test_bits_are_interleaved_and_taken_apart(y: int, x: int) -> None:
    assert spread(y) == sum(1 << (2 * bit) for bit in range(32) if y >> bit & 1)
    bits = interleave(x, y & 0x7FFFFFFF)
    assert (squeeze(bits >> 1), squeeze(bits)) == (x, y & 0x7FFFFFFF)


@given(LONGITUDES, LATITUDES)
def test_a_place_is_found_again_to_within_its_cell(longitude: float, latitude: float) -> None:
    bits = encode(longitude, latitude)
    assert abs(longitude_of(bits) - longitude) <= 180 / 2**26 + 1e-13
    assert abs(latitude_of(bits) - latitude) <= 90 / 2**26 + 1e-13
    assert bits_of_score(float(bits)) == bits
    if longitude < 179.99 and latitude < 85.05:  # at the upper edges the cell lies beyond the map
        assert encode(longitude_of(bits), latitude_of(bits)) == bits


@given(st.floats(allow_nan=False))
def test_every_score_is_some_place(score: float) -> None:
    bits = bits_of_score(score)
    assert -LONGITUDE_MAX <= longitude_of(bits) <= LONGITUDE_MAX
    assert -LATITUDE_MAX <= latitude_of(bits) <= LATITUDE_MAX
    assert len(text_of(bits)) == 11


def test_text_is_that_of_geohash_org() -> None:
    assert text_of(encode(13.361389, 38.115556)) == b"sqc8b49rny0"
    assert text_of(encode(15.087269, 37.502669)) == b"sqdtr74hyu0"


@given(LONGITUDES, LATITUDES, LONGITUDES, LATITUDES)
def test_distances_are_those_of_the_haversine(lon1: float, lat1: float, lon2: float, lat2: float) -> None:
    distance = distance_m(lon1, lat1, lon2, lat2)
    u = math.sin(math.radians(lat2 - lat1) / 2)
    v = math.sin(math.radians(lon2 - lon1) / 2)
    square = u * u + math.cos(math.radians(lat1)) * math.cos(math.radians(lat2)) * v * v
    if square < 1 - 1e-9:  # else the arc sine is too steep to compare
        assert math.isclose(distance, 2 * 6372797.560856 * math.asin(math.sqrt(square)), rel_tol=1e-6, abs_tol=0.01)
    assert distance == pytest.approx(distance_m(lon2, lat2, lon1, lat1), abs=1e-3, nan_ok=True)


def test_the_grid_grows_coarser_with_the_reach_and_near_the_poles() -> None:
    steps = [grid_step(reach, 0.0) for reach in (0.0, 0.1, 1.0, 100.0, 10_000.0, 1e6, 1e7, 1e9, math.inf)]
    assert steps == sorted(steps, reverse=True)
    assert (steps[0], steps[-1]) == (26, 1)
    assert [grid_step(1000.0, latitude) for latitude in (60, -67, 81)] == [14, 13, 12]


def places(seed: int, count: int) -> list[tuple[float, float]]:
    """Random places: all over the world, in one town, at the poles and along the date line."""
    rng = random.Random(seed)
    kinds = [
        lambda: (rng.uniform(-180, 180), rng.uniform(-85, 85)),
        lambda: (rng.gauss(2.35, 0.05), rng.gauss(48.85, 0.05)),
        lambda: (rng.uniform(-180, 180), rng.choice([-1, 1]) * rng.uniform(84, LATITUDE_MAX)),
        lambda: (rng.choice([-1, 1]) * rng.uniform(179.5, 180), rng.uniform(-85, 85)),
    ]
    return [rng.choice(kinds)() for _ in range(count)]


def index_of(spots: list[tuple[float, float]]) -> SortedSet:
    zset = SortedSet()
    for number, (longitude, latitude) in enumerate(spots):
        zset.put(b"m%d" % number, float(encode(longitude, latitude)), Limits())
    return zset


def within(zset: SortedSet, area: Area) -> dict[bytes, float]:
    """The members within an area and their distances, by looking at every one."""
    found: dict[bytes, float] = {}
    for element in zset.unordered():
        longitude = longitude_of(int(element.score))
        latitude = latitude_of(int(element.score))
        distance = distance_m(area.longitude, area.latitude, longitude, latitude)
        if area.is_box:
            half_width = distance_m(longitude, latitude, area.longitude, latitude)
            half_height = latitude_distance_m(latitude, area.latitude)
            is_within = 2 * half_width <= area.width and 2 * half_height <= area.height
        else:
            is_within = distance <= area.radius
        if is_within:
            found[element.member] = distance
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_search_finds_what_looking_at_every_member_finds(seed: int) -> None:
    rng = random.Random(seed)
    spots = places(seed, 600)
    zset = index_of(spots)
    for _ in range(150):
        area = Area()
        area.longitude, area.latitude = rng.choice(spots) if rng.random() < 0.5 else places(rng.randrange(99), 1)[0]
        area.radius = 10 ** rng.uniform(0, 6)  # beyond some thousand kilometres the nine cells may not reach round
        if abs(area.latitude) > 70 or abs(area.longitude) > 170:
            area.radius = 10 ** rng.uniform(0, 4)
        if rng.random() < 0.5:
            area.is_box = True
            area.width, area.height = area.radius, 10 ** rng.uniform(0, 5)
        found = search(zset, area, 0)
        west, south, east, north = area.bounds()
        expected = within(zset, area)
        names = [element.member for element in found.elements]
        assert len(set(names)) == len(names)
        assert dict(zip(names, found.distances)).items() <= expected.items()
        if west >= -180 and east <= 180 and south >= -LATITUDE_MAX and north <= LATITUDE_MAX:
            assert dict(zip(names, found.distances)) == expected
        some = search(zset, area, 3)
        assert [element.member for element in some.elements] == names[:3]


@pytest.mark.parametrize("count, descending", ORDERS)
@pytest.mark.parametrize("size", [0, 1, 6, 7, 8, 41, 300])
@pytest.mark.parametrize("kinds", [1, 3, 10**9])
def test_an_order_brings_the_nearest_first(size: int, kinds: int, count: int, descending: bool) -> None:
    rng = random.Random(size)
    found = Found()
    for number in range(size):
        found.elements.append(Element(b"%d" % number, 0.0))
        found.distances.append(float(rng.randrange(kinds)))
    pairs = {(element.member, distance) for element, distance in zip(found.elements, found.distances)}
    expected = sorted(found.distances, reverse=descending)[:count]
    found.order(min(count, size), descending)
    assert found.distances == expected
    assert {(element.member, distance) for element, distance in zip(found.elements, found.distances)} <= pairs
    assert len({element.member for element in found.elements}) == len(expected)
