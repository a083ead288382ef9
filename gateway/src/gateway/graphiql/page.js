"use strict";

const example = `# Tandem for storefronts. Press the play button (Ctrl-Enter) to run a query,
# open the docs on the left for every type and field.
# Headers (below) choose the store and the language: {"Tandem-Store": "d2c-uk"}

query Products($first: Int = 5) {
  store {
    name
    currencies
  }
  products(first: $first) {
    nodes {
      key
      name
      price {
        unitPrice {
          amount
          currency
        }
        isTaxIncluded
      }
      variants {
        sku
        availability {
          available
          isInStock
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}

query Search($words: String = "lantern") {
  search(query: $words, first: 3) {
    nodes {
      key
      name
      slug
    }
  }
}

mutation OpenCart {
  openCart(input: {lines: [{sku: "85123A", quantity: 6}]}) {
    secret
    cart {
      id
      lines {
        name
        quantity
        total {
          gross {
            amount
            currency
          }
        }
      }
    }
    errors {
      code
      message
      field
    }
  }
}
`;

const fetcher = async (request, { headers } = {}) => {
  const response = await fetch(window.location.pathname, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(request),
  });
  return response.json();
};

ReactDOM.createRoot(document.getElementById("page")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: example,
    defaultEditorToolsVisibility: "headers",
    shouldPersistHeaders: true,
  }),
);
