"""Every table of this service in one place, for migrations and their drift check."""

from dispatch_api.bookings import tables as bookings
from dispatch_api.companies import tables as companies
from dispatch_api.decisions import tables as decisions
from dispatch_api.dispatch import tables as dispatch
from dispatch_api.drivers import tables as drivers
from dispatch_api.duties import tables as duties
from dispatch_api.patients import tables as patients
from dispatch_api.places import tables as places
from dispatch_api.plans import tables as plans
from dispatch_api.positions import tables as positions
from dispatch_api.schema import metadata
from dispatch_api.usage import tables as usage
from dispatch_api.vehicles import tables as vehicles
from dispatch_api.waivers import tables as waivers

FEATURES = (
    companies,
    patients,
    places,
    vehicles,
    drivers,
    duties,
    bookings,
    dispatch,
    plans,
    waivers,
    usage,
    positions,
    decisions,
)

__all__ = ["FEATURES", "metadata"]
