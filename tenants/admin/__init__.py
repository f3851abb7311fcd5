"""The console's pages of access and of people."""

from tenants.admin import access as access
from tenants.admin import people as people
