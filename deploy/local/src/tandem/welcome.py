"""What a person reads when the shop runs: where everything is, the partner's key, what to try."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tandem.demo_data import Credentials
from tandem.demo_data.wholesale import read_customers
from tandem.settings import LocalSettings

QUERIES = {
    "A list with prices and stock": """\
{ products(first: 5) { nodes { name variants { sku price { unitPrice { amount
  currency } } availability { available } } } } }""",
    "A search": """\
{ search(query: "lantern", first: 3) { nodes { key name slug } } }""",
    "A guest's cart": """\
mutation { openCart(input: {lines: [{sku: "85123A", quantity: 6}]}) { secret
  cart { id lines { name quantity total { gross { amount currency } } } } errors { message } } }""",
}
"""Each works as it stands in the query page; the tests run them."""

OPEN = "The shop is open. Ctrl-C closes it."
DOCS = {"gateway": "/d2c/graphql"}
STAFF = "staff@tandem.example"


def show(
    settings: LocalSettings, credentials: Credentials, password: str, console: Console
) -> None:
    """Print it, with nothing wrapped that somebody may want to copy."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, url in settings.urls.items():
        table.add_row(Text(f"  {name}", style="bold"), Text(url + DOCS.get(name, "/docs")))
    table.add_row(Text("  data", style="bold"), Text(str(settings.data)))
    console.print()
    console.print(table)
    console.print(Text("\nPartner (client credentials, for the REST APIs):", style="bold"))
    for line in (
        f"  client_id      {credentials.client_id}",
        f"  client_secret  {credentials.client_secret}",
        f"  curl -s -u '{credentials.client_id}:{credentials.client_secret}'"
        f" -d grant_type=client_credentials {settings.url_of('accounts')}/v1/tokens",
    ):
        console.print(Text(line), soft_wrap=True)
    portal = settings.url_of("gateway") + "/b2b/graphql"
    console.print(Text(f"\nPeople who can sign in at {portal}:", style="bold"), soft_wrap=True)
    company = read_customers()[0].key
    for who, email in {
        "a company's buyer": f"buyer@{company}.example",
        "its approver": f"approver@{company}.example",
        "its admin": f"admin@{company}.example",
        "the merchant's staff": STAFF,
    }.items():
        console.print(Text(f"  {who:<21} {email}"), soft_wrap=True)
    console.print(Text(f"  {'all with the password':<21} {password}"), soft_wrap=True)
    page = settings.url_of("gateway") + DOCS["gateway"]
    console.print(Text(f"\nTo paste into {page}:", style="bold"), soft_wrap=True)
    for title, query in QUERIES.items():
        console.print(Text(f"\n# {title}", style="dim"))
        console.print(Text(query), soft_wrap=True)
    console.print(Text(f"\n{OPEN}", style="bold green"))
