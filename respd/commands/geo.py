"""The geo commands: sorted sets whose scores are geohashes. Source: redis.io/commands/?group=geo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import float_arg, int_arg
from respd.command import (
    ACCESS,
    DENYOOM,
    MOVABLE_KEYS,
    OW,
    READONLY,
    RO,
    RW,
    UPDATE,
    WRITE,
    Group,
    keyword_key,
    one_key,
)
from respd.commands.zsets import OPTION_CH, OPTION_NX, OPTION_XX, put_score, put_scores, zadd_option
from respd.datatypes.geo_areas import Area, Found, search
from respd.datatypes.geohash import (
    LATITUDE_MAX,
    LONGITUDE_MAX,
    bits_of_score,
    distance_m,
    encode,
    latitude_of,
    longitude_of,
    text_of,
)
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.strings import plain_double
from respd.errors import SYNTAX, CommandError, shown
from respd.keyspace_events import ZSET
from respd.protocol.replies import NULL_ARRAY

if TYPE_CHECKING:
    from respd.context import Context

_NO_MEMBER: Final = b"ERR could not decode requested zset member"
_BAD_UNIT: Final = b"ERR unsupported unit provided. please use M, KM, FT, MI"
_NEGATIVE_RADIUS: Final = b"ERR radius cannot be negative"
_NEGATIVE_BOX: Final = b"ERR height or width cannot be negative"
_COUNT_NOT_POSITIVE: Final = b"ERR COUNT must be > 0"
_ANY_ALONE: Final = b"ERR the ANY argument requires COUNT argument"
_UNITS_M: Final[dict[bytes, float]] = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}
_DECIMALS: Final = 10000.0
_ALL_WHOLE: Final = 4503599627370496.0  # doubles from here on are integers
_NAN_DISTANCE: Final = b"-922337203685477.5808"  # what a conversion makes of nan

_ADD_OPTIONS: Final = OPTION_NX | OPTION_XX | OPTION_CH

_UNSORTED: Final = 0
_ASC: Final = 1
_DESC: Final = 2

# How a search says where it looks.
_BY_PLACE: Final = 0  # GEORADIUS: longitude, latitude, radius, unit
_BY_MEMBER: Final = 1  # GEORADIUSBYMEMBER: member, radius, unit
_BY_OPTIONS: Final = 2  # GEOSEARCH

_UNIT: Final = "<M | KM | FT | MI>"
_FROM: Final = "<FROMMEMBER member | FROMLONLAT longitude latitude>"
_SHAPE: Final = f"<BYRADIUS radius {_UNIT} | (BYBOX width) height {_UNIT}>"
_ORDER: Final = "[ASC | DESC] [COUNT count [ANY]]"
_SHOW: Final = "[WITHCOORD] [WITHDIST] [WITHHASH]"
_RADIUS: Final = f"radius {_UNIT} {_SHOW} [COUNT count [ANY]] [ASC | DESC]"
_STORE: Final = "[store=<STORE storekey=key | STOREDIST storedistkey=key>]"
_COST: Final = "O(N+M*log(M)) where N is the number of members in the cells around the area and M that of those within"

group = Group("geo")


@group.command(
    "GEOADD",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | UPDATE),
    since="3.2.0",
    syntax="key [NX | XX] [change=CH] longitude latitude member [longitude latitude member ...]",
    complexity="O(log(N)) for each member, where N is the size of the sorted set",
    history=(("6.2.0", "Takes `CH`, `NX` and `XX`."),),
)
def geoadd(ctx: Context, args: list[bytes]) -> object:
    """Add members to a sorted set at their places on the earth, or move them there.

    Reply: how many are new; with CH, how many are new or have moved. Errors: syntax error; not a valid float; a place
    beyond the map; then WRONGTYPE. Log: the ZADD that does the same. Source: redis.io/commands/geoadd.
    """
    options = 0
    first = 2
    while first < len(args):
        option = zadd_option(args[first]) & _ADD_OPTIONS
        if option == 0:
            break
        options |= option
        first += 1
    words = len(args) - first
    if words % 3 or (options & OPTION_NX and options & OPTION_XX):
        raise CommandError(SYNTAX)
    scores: list[float] = []
    for position in range(first, len(args), 3):
        longitude, latitude = _place_arg(args, position)
        scores.append(float(encode(longitude, latitude)))
    if not scores:
        raise CommandError(SYNTAX)
    dirty = ctx.db.shared.dirty
    if options == 0 and len(scores) == 1:
        reply = put_score(ctx, args[1], args[4], scores[0])
    else:
        reply = put_scores(ctx, args[1], args, first + 2, 3, scores, options)
    if ctx.effects.is_on and ctx.db.shared.dirty != dirty:
        words_logged = [b"zadd", *args[1:first]]
        position = first + 2
        for score in scores:
            words_logged.append(b"%d" % score)
            words_logged.append(args[position])
            position += 3
        ctx.record(words_logged)
    return reply


def _place_arg(args: list[bytes], at: int) -> tuple[float, float]:
    """Return the longitude at `args[at]` and the latitude after it."""
    longitude = plain_double(args[at])
    if longitude != longitude:
        longitude = float_arg(args[at])
    latitude = plain_double(args[at + 1])
    if latitude != latitude:
        latitude = float_arg(args[at + 1])
    if not (-LONGITUDE_MAX <= longitude <= LONGITUDE_MAX and -LATITUDE_MAX <= latitude <= LATITUDE_MAX):
        raise CommandError(b"ERR invalid longitude,latitude pair %f,%f" % (longitude, latitude))
    return longitude, latitude


def _unit_arg(word: bytes) -> float:
    unit_m = _UNITS_M.get(word.upper(), 0.0)
    if unit_m == 0.0:
        raise CommandError(_BAD_UNIT)
    return unit_m


def _distance_reply(distance: float) -> bytes:
    """Return a distance as Redis prints it: with four decimals, the halves between them rounded to even."""
    if distance != distance:
        return _NAN_DISTANCE
    scaled = distance * _DECIMALS
    if scaled < _ALL_WHOLE:
        scaled = scaled + _ALL_WHOLE - _ALL_WHOLE  # in between there is no room for fractions
    digits = str(int(scaled)).encode().rjust(5, b"0")
    return digits[:-4] + b"." + digits[-4:]


@group.command(
    "GEODIST",
    arity=-4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="3.2.0",
    syntax=f"key member1 member2 [{_UNIT[1:-1]}]",
    complexity="O(1)",
)
def geodist(ctx: Context, args: list[bytes]) -> object:
    """Return the distance between two members of a geospatial index.

    Reply: a bulk string with four decimals, null when a member or the key is absent. Errors: the unit; syntax error;
    WRONGTYPE. Source: redis.io/commands/geodist.
    """
    unit_m = 1.0
    if len(args) == 5:
        unit_m = _unit_arg(args[4])
    elif len(args) > 5:
        raise CommandError(SYNTAX)
    zset = ctx.db.read_zset(args[1])
    if zset is None:
        return None
    first = zset.find(args[2])
    if first is None:
        return None
    second = zset.find(args[3])
    if second is None:
        return None
    one = bits_of_score(first.score)
    other = bits_of_score(second.score)
    distance = distance_m(longitude_of(one), latitude_of(one), longitude_of(other), latitude_of(other))
    return _distance_reply(distance / unit_m)


@group.command(
    "GEOHASH",
    arity=-2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="3.2.0",
    syntax="key [member [member ...]]",
    complexity="O(1) for each member asked for",
)
def geohash(ctx: Context, args: list[bytes]) -> object:
    """Return the places of members of a geospatial index as geohashes of eleven letters.

    Reply: an array, null for each member that is not there. Errors: WRONGTYPE. Source: redis.io/commands/geohash.
    """
    zset = ctx.db.read_zset(args[1])
    texts: list[object] = []
    for member in args[2:]:
        element = None if zset is None else zset.find(member)
        texts.append(None if element is None else text_of(bits_of_score(element.score)))
    return texts


@group.command(
    "GEOPOS",
    arity=-2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="3.2.0",
    syntax="key [member [member ...]]",
    complexity="O(1) for each member asked for",
)
def geopos(ctx: Context, args: list[bytes]) -> object:
    """Return the longitudes and latitudes of members of a geospatial index.

    Reply: an array of pairs, a null array for each member that is not there. Errors: WRONGTYPE.
    Source: redis.io/commands/geopos.
    """
    zset = ctx.db.read_zset(args[1])
    places: list[object] = []
    for member in args[2:]:
        element = None if zset is None else zset.find(member)
        places.append(NULL_ARRAY if element is None else _coordinates(element.score))
    return places


def _coordinates(score: float) -> list[object]:
    bits = bits_of_score(score)
    return [longitude_of(bits), latitude_of(bits)]


class _Query:
    """A search as a command asks for it: its source looked up, its words read and checked in Redis' order."""

    def __init__(self, ctx: Context, args: list[bytes], form: int, may_store: bool) -> None:
        self.store: bytes | None = args[1] if form == _BY_OPTIONS and may_store else None
        source = args[2] if self.store is not None else args[1]
        self.zset: SortedSet | None = ctx.db.read_zset(source)
        self.area: Area = Area()
        self._from_member: bool = False
        self._from_place: bool = False
        self._by_radius: bool = False
        self.with_coordinates: bool = False
        self.with_distance: bool = False
        self.with_hash: bool = False
        self.stores_distance: bool = False
        self.order: int = _UNSORTED
        self.count: int = 0
        self.any: bool = False
        self._form: int = form
        self._may_store: bool = may_store
        at = self._read_start(args)
        while at < len(args):
            at = self._read_option(args, at)
        if self.store is not None and (self.with_coordinates or self.with_distance or self.with_hash):
            name = b"GEOSEARCHSTORE" if form == _BY_OPTIONS else b"STORE option in GEORADIUS"
            raise CommandError(b"ERR %b is not compatible with WITHDIST, WITHHASH and WITHCOORD options" % name)
        if form == _BY_OPTIONS:
            name = shown(args[0])
            if not self._from_member and not self._from_place:
                raise CommandError(b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %b" % name)
            if not self._by_radius and not self.area.is_box:
                raise CommandError(b"ERR exactly one of BYRADIUS and BYBOX can be specified for %b" % name)
        if self.any and self.count == 0:
            raise CommandError(_ANY_ALONE)

    def _read_start(self, args: list[bytes]) -> int:
        """Read the words without a name; return where the options begin."""
        if self._form == _BY_OPTIONS:
            return 2 if self.store is None else 3
        if self._form == _BY_PLACE:
            self._centre_at(args, 2)
            self._read_radius(args, 4)
            return 6
        if self.zset is not None:  # of an absent key neither member nor radius are looked at
            self._centre_on(args[2])
            self._read_radius(args, 3)
        return 5

    def _read_option(self, args: list[bytes], at: int) -> int:
        """Read the option at `at`; return where the next one is."""
        word = args[at].upper()
        left = len(args) - at - 1
        if word == b"WITHDIST":
            self.with_distance = True
        elif word == b"WITHHASH":
            self.with_hash = True
        elif word == b"WITHCOORD":
            self.with_coordinates = True
        elif word == b"ANY":
            self.any = True
        elif word == b"ASC":
            self.order = _ASC
        elif word == b"DESC":
            self.order = _DESC
        elif word == b"COUNT" and left > 0:
            self.count = int_arg(args[at + 1])
            if self.count <= 0:
                raise CommandError(_COUNT_NOT_POSITIVE)
            return at + 2
        elif self._form != _BY_OPTIONS:
            if not self._may_store or left == 0 or word not in (b"STORE", b"STOREDIST"):
                raise CommandError(SYNTAX)
            self.store = args[at + 1]
            self.stores_distance = word == b"STOREDIST"
            return at + 2
        else:
            return self._read_search_option(args, at, word, left)
        return at + 1

    def _read_search_option(self, args: list[bytes], at: int, word: bytes, left: int) -> int:
        if word == b"FROMMEMBER" and left >= 1 and not self._from_place:
            self._centre_on(args[at + 1])
            return at + 2
        if word == b"FROMLONLAT" and left >= 2 and not self._from_member:
            self._centre_at(args, at + 1)
            return at + 3
        if word == b"BYRADIUS" and left >= 2 and not self.area.is_box:
            self._read_radius(args, at + 1)
            return at + 3
        if word == b"BYBOX" and left >= 3 and not self._by_radius:
            self._read_box(args, at + 1)
            return at + 4
        if word == b"STOREDIST" and self._may_store:
            self.stores_distance = True
            return at + 1
        raise CommandError(SYNTAX)

    def _centre_at(self, args: list[bytes], at: int) -> None:
        self.area.longitude, self.area.latitude = _place_arg(args, at)
        self._from_place = True

    def _centre_on(self, member: bytes) -> None:
        self._from_member = True
        if self.zset is None:
            return
        element = self.zset.find(member)
        if element is None:
            raise CommandError(_NO_MEMBER)
        bits = bits_of_score(element.score)
        self.area.longitude = longitude_of(bits)
        self.area.latitude = latitude_of(bits)

    def _read_radius(self, args: list[bytes], at: int) -> None:
        area = self.area
        area.radius = float_arg(args[at], b"ERR need numeric radius")
        if area.radius < 0:
            raise CommandError(_NEGATIVE_RADIUS)
        area.unit_m = _unit_arg(args[at + 1])
        self._by_radius = True

    def _read_box(self, args: list[bytes], at: int) -> None:
        area = self.area
        area.is_box = True
        area.width = float_arg(args[at], b"ERR need numeric width")
        area.height = float_arg(args[at + 1], b"ERR need numeric height")
        if area.width < 0 or area.height < 0:
            raise CommandError(_NEGATIVE_BOX)
        area.unit_m = _unit_arg(args[at + 2])

    def found(self) -> Found:
        """Search, sort and cut."""
        if self.zset is None:
            return Found()
        found = search(self.zset, self.area, self.count if self.any else 0)
        order = self.order
        if order == _UNSORTED and self.count > 0 and not self.any:
            order = _ASC  # the nearest are wanted
        count = len(found.elements)
        if self.count > 0:
            count = min(count, self.count)
        if order == _UNSORTED:
            found.cut(count)
        else:
            found.order(count, order == _DESC)
        return found

    def reply(self) -> list[object]:
        """Return what is found, each member by itself or in an array with what else was asked for."""
        found = self.found()
        items: list[object] = []
        if not (self.with_distance or self.with_hash or self.with_coordinates):
            for element in found.elements:
                items.append(element.member)
            return items
        unit_m = self.area.unit_m
        for index, element in enumerate(found.elements):
            item: list[object] = [element.member]
            if self.with_distance:
                item.append(_distance_reply(found.distances[index] / unit_m))
            if self.with_hash:
                item.append(int(element.score))
            if self.with_coordinates:
                item.append(_coordinates(element.score))
            items.append(item)
        return items


def _search(ctx: Context, args: list[bytes], form: int, may_store: bool) -> object:
    query = _Query(ctx, args, form, may_store)
    key = query.store
    if key is None:
        return query.reply()
    db = ctx.db
    found = query.found()
    if not found.elements:
        db.delete(key)
        return 0
    members: list[bytes] = []
    scores: list[float] = []
    for index, element in enumerate(found.elements):
        members.append(element.member)
        scores.append(found.distances[index] / query.area.unit_m if query.stores_distance else element.score)
    result = SortedSet()
    result.fill(members, scores, ctx.limits, False)
    db.set(key, result)
    db.changed_by(key, ZSET, b"geosearchstore" if form == _BY_OPTIONS else b"georadiusstore", len(members))
    return len(members)


@group.command(
    "GEOSEARCH",
    arity=-7,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="6.2.0",
    syntax=f"key {_FROM} {_SHAPE} {_ORDER} {_SHOW}",
    complexity=_COST,
    history=(("7.0.0", "Units may be in upper case."),),
)
def geosearch(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a geospatial index that lie within a circle or a box.

    Reply: an array of members, or with WITHDIST, WITHHASH or WITHCOORD of arrays of these. Without an order it is that
    of the cells searched; COUNT without ANY sorts by distance. Errors: WRONGTYPE, those of the options from left to
    right, then of their combination. Source: redis.io/commands/geosearch.
    """
    return _search(ctx, args, _BY_OPTIONS, False)


@group.command(
    "GEOSEARCHSTORE",
    arity=-8,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE) + one_key(RO | ACCESS, 2),
    since="6.2.0",
    syntax=f"destination source {_FROM} {_SHAPE} {_ORDER} [STOREDIST]",
    complexity=_COST,
    history=(("7.0.0", "Units may be in upper case."),),
)
def geosearchstore(ctx: Context, args: list[bytes]) -> object:
    """Store the members of a geospatial index that lie within a circle or a box in another sorted set.

    Reply: how many they are; with none the destination is deleted. The scores are those of the source, with STOREDIST
    the distances. Errors: as GEOSEARCH. Source: redis.io/commands/geosearchstore.
    """
    return _search(ctx, args, _BY_OPTIONS, True)


@group.command(
    "GEORADIUS",
    arity=-6,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=one_key(RO | ACCESS) + keyword_key("STORE", 6, OW | UPDATE) + keyword_key("STOREDIST", 6, OW | UPDATE),
    since="3.2.0",
    syntax=f"key longitude latitude {_RADIUS} {_STORE}",
    complexity=_COST,
    history=(("6.2.0", "Takes `ANY`."), ("7.0.0", "Units may be in upper case.")),
    deprecated=("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"),
)
def georadius(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a geospatial index that lie within a circle around a place, or store them.

    Reply: as GEOSEARCH; with STORE (the source's scores) or STOREDIST (distances) as GEOSEARCHSTORE.
    Errors: WRONGTYPE, of the place, the radius, the options. Source: redis.io/commands/georadius.
    """
    return _search(ctx, args, _BY_PLACE, True)


@group.command(
    "GEORADIUS_RO",
    arity=-6,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="3.2.10",
    syntax=f"key longitude latitude {_RADIUS}",
    complexity=_COST,
    history=(("6.2.0", "Takes `ANY`."), ("7.0.0", "Units may be in upper case.")),
    deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument"),
)
def georadius_ro(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a geospatial index that lie within a circle around a place.

    Reply and errors: as GEORADIUS, which can store as well. Source: redis.io/commands/georadius_ro.
    """
    return _search(ctx, args, _BY_PLACE, False)


@group.command(
    "GEORADIUSBYMEMBER",
    arity=-5,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=one_key(RO | ACCESS) + keyword_key("STORE", 5, OW | UPDATE) + keyword_key("STOREDIST", 5, OW | UPDATE),
    since="3.2.0",
    syntax=f"key member {_RADIUS} {_STORE}",
    complexity=_COST,
    history=(("6.2.0", "Takes `ANY`."), ("7.0.0", "Units may be in upper case.")),
    deprecated=("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"),
)
def georadiusbymember(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a geospatial index that lie within a circle around one of them, or store them.

    Reply and errors: as GEORADIUS; the member is not there. Source: redis.io/commands/georadiusbymember.
    """
    return _search(ctx, args, _BY_MEMBER, True)


@group.command(
    "GEORADIUSBYMEMBER_RO",
    arity=-5,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="3.2.10",
    syntax=f"key member {_RADIUS}",
    complexity=_COST,
    history=(("6.2.0", "Takes `ANY`."), ("7.0.0", "Units may be in upper case.")),
    deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"),
)
def georadiusbymember_ro(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a geospatial index that lie within a circle around one of them.

    Reply and errors: as GEORADIUSBYMEMBER, which can store as well. Source: redis.io/commands/georadiusbymember_ro.
    """
    return _search(ctx, args, _BY_MEMBER, False)
