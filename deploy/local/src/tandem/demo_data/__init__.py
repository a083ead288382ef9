"""The demo shop: real articles of a UK gift wholesaler, loaded through the public REST APIs.

`articles` reads the retail file, `names` makes its descriptions readable, `categories` sorts
them into a tree, `loading` writes it all, as the `partner` that it is, with its `progress`.
"""

from tandem.demo_data.loading import CopiesLate, Loaded, load
from tandem.demo_data.partner import Credentials, PartnerRefused
from tandem.demo_data.progress import LoadProgress

__all__ = ["CopiesLate", "Credentials", "LoadProgress", "Loaded", "PartnerRefused", "load"]
