"""The portal for companies answers in the reader's language, through every process in between."""

from collections.abc import Iterator

import pytest

from tandem.demo_data import portal
from tandem.demo_data.articles import read_articles, read_translations
from tandem.demo_data.partner import open_partner
from tandem.demo_data.wholesale import read_customers, read_volume_prices

PASSWORD = "a-password-for-this-test-only"
SIGN_IN = """
mutation ($email: String!, $password: String!) {
  signIn(input: {email: $email, password: $password}) { accessToken errors { code } }
}
"""
PAGE = """
query ($after: String) {
  store { name locale }
  products(first: 100, after: $after) {
    nodes { key name }
    pageInfo { hasNextPage endCursor }
  }
}
"""
SEARCH = "query ($words: String!) { products(search: $words, first: 100) { nodes { key } } }"


@pytest.fixture(scope="module")
def customer():
    """A company of the demo that this test alone changes."""
    return read_customers()[-1]


@pytest.fixture
async def token(shop, customer) -> str:
    """Its buyer's, who has a password now."""
    key = f"{customer.key}-buyer"
    buyer = portal.members(customer.key, password=PASSWORD)[key]
    async with open_partner(shop.urls, shop.credentials) as partner:
        await partner.put("accounts", f"/v1/companies/{customer.key}/members/{key}", buyer)
    who = {"email": buyer["email"], "password": PASSWORD}
    answer = shop.query(SIGN_IN, who, schema="b2b")
    return str(answer["data"]["signIn"]["accessToken"])


def ask(shop, token, locale, document, **variables):
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": locale}
    answer = shop.query(document, variables, schema="b2b", **headers)
    assert "errors" not in answer, answer
    return answer["data"]


def read_names(shop, token, locale) -> Iterator[tuple[str, str]]:
    """Key and name of every product that the buyer sees."""
    after = None
    while True:
        data = ask(shop, token, locale, PAGE, after=after)
        assert data["store"] == {"name": portal.store().name[locale], "locale": locale}
        for product in data["products"]["nodes"]:
            yield product["key"], product["name"]
        after = data["products"]["pageInfo"]["endCursor"]
        if not data["products"]["pageInfo"]["hasNextPage"]:
            return


@pytest.mark.parametrize("locale", ["fr", "pl", "ru", "ar", "zh"])
async def test_the_best_sold_products_are_named_in_the_readers_language(shop, token, locale):
    articles = {article.sku: article for article in read_articles()}
    seen = {sku for sku in read_volume_prices() if articles[sku].category != "lunch-boxes"}
    translations = {sku: names for sku, names in read_translations().items() if sku in seen}
    assert len(translations) >= 50

    names = dict(read_names(shop, token, locale))
    assert {sku: names[sku] for sku in translations} == {
        sku: told[locale] for sku, told in translations.items()
    }
    others = [sku for sku in names if sku not in translations]
    assert all(names[sku] == articles[sku].shown_name for sku in others)


@pytest.mark.parametrize("locale", ["fr", "pl", "ru", "ar", "zh"])
async def test_a_product_is_found_by_the_words_of_the_readers_language(shop, token, locale):
    name = read_translations()["84950"][locale]
    data = ask(shop, token, locale, SEARCH, words=name)
    assert "84950" in [product["key"] for product in data["products"]["nodes"]]


async def test_a_language_that_the_store_lacks_becomes_its_first(shop, token):
    data = ask(shop, token, "de-AT,de;q=0.9", PAGE)
    assert data["store"]["locale"] == "en"
