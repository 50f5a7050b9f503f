"""What is read from OSM beyond plain nodes and ways."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatch_api.geocoding import Precision
from dispatch_api.geocoding.index_building import build_index
from dispatch_api.geocoding.offline_index import OfflineGeocoder

BLOCK = """<osm version="0.6">
<node id="1" version="1" lat="46.0000" lon="6.0000"/>
<node id="2" version="1" lat="46.0000" lon="6.0004"/>
<node id="3" version="1" lat="46.0002" lon="6.0004"/>
<node id="4" version="1" lat="46.0002" lon="6.0000"/>
<node id="5" version="1" lat="46.0010" lon="6.0010"/>
<node id="6" version="1" lat="46.0011" lon="6.0011"/>
<way id="1" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/></way>
<way id="2" version="1"><nd ref="3"/><nd ref="4"/><nd ref="1"/></way>
<way id="3" version="1"><nd ref="5"/><nd ref="6"/>
  <tag k="highway" v="residential"/><tag k="name" v="Allée Neuve"/></way>
<relation id="1" version="1"><member type="way" ref="1" role="outer"/>
  <member type="way" ref="2" role="outer"/><tag k="type" v="multipolygon"/>
  <tag k="building" v="yes"/><tag k="addr:street" v="Quai du Nord"/>
  <tag k="addr:housenumber" v="7"/><tag k="addr:city" v="Valbourg"/></relation>
</osm>"""


@pytest.fixture
def geocoder(tmp_path: Path) -> OfflineGeocoder:
    (tmp_path / "block.osm").write_text(BLOCK, encoding="utf-8")
    index = tmp_path / "places.sqlite"
    build_index(tmp_path / "block.osm", index, built_at=datetime(2026, 1, 1, tzinfo=UTC))
    return OfflineGeocoder(index)


def test_a_building_of_several_ways_is_a_house_at_its_middle(geocoder: OfflineGeocoder) -> None:
    first = geocoder.search("quai du nord 7")[0]
    geocoder.close()
    assert (first.label, first.precision) == ("Quai du Nord 7, Valbourg", Precision.HOUSE)
    assert (first.lat, first.lon) == pytest.approx((46.0001, 6.0002))


def test_a_street_without_addresses_bears_the_city_around_it(geocoder: OfflineGeocoder) -> None:
    first = geocoder.search("all. neuve, valbourg")[0]
    geocoder.close()
    assert (first.label, first.score) == ("Allée Neuve, Valbourg", 1.0)
