"""The checker: reads the services' databases and says where what must always hold does not.

It trusts no service: it has SQL of its own, and of the workspace it knows only `contracts`. Every
database is read in one read-only, repeatable-read transaction, row by row. What contradicts
itself within one database is a finding at once. The databases are looked at one after the other,
so that what contradicts itself between two of them may be an event under way; it is looked at
again until the shop is quiet, and is a finding only if every look has seen the very same.

`inside` has the checks within a database, `between` those between two, `settling` the looks.
"""

from tandem.verify.report import Finding, Report
from tandem.verify.settling import verify

__all__ = ["Finding", "Report", "verify"]
