"""The index of addresses as a setting: used when it is there, refused readably when it is not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.tokens import TokenSigner

from atmr_common.runtime.service_process import ConfigurationError
from dispatch_api.composition import make_ports
from dispatch_api.geocoding.index_building import build_index
from dispatch_api.settings import DispatchSettings

VILLAGE = Path(__file__).parent / "geocoding_village.osm"


async def test_the_index_of_the_setting_answers(
    dispatch_settings: DispatchSettings, development_issuer: TokenSigner, tmp_path: Path
) -> None:
    index = tmp_path / "places.sqlite"
    build_index(VILLAGE, index, built_at=datetime(2026, 3, 1, tzinfo=UTC))
    settings = dispatch_settings.model_copy(update={"places_index": index})
    async with make_ports(settings, jwks=development_issuer.jwks()) as ports:
        assert ports.geocoder is not None
        assert ports.geocoder.search("") == []


@pytest.mark.parametrize("content", [None, b"not an index"])
async def test_a_missing_or_foreign_index_stops_the_start_with_its_name(
    dispatch_settings: DispatchSettings,
    development_issuer: TokenSigner,
    tmp_path: Path,
    content: bytes | None,
) -> None:
    index = tmp_path / "places.sqlite"
    if content is not None:
        index.write_bytes(content)
    settings = dispatch_settings.model_copy(update={"places_index": index})
    with pytest.raises(ConfigurationError, match=r"ATMR_PLACES_INDEX.*places\.sqlite"):
        async with make_ports(settings, jwks=development_issuer.jwks()):
            pass
