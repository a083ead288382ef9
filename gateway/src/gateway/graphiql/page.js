"use strict";

const forPeople = `# Tandem for storefronts. Press the play button (Ctrl-Enter) to run a query,
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

const forCompanies = `# Tandem for portals of companies. Sign in, then put the token into the headers (below):
# {"Authorization": "Bearer ..."}; it holds for ten minutes.

mutation SignIn($email: String!, $password: String!) {
  signIn(input: {email: $email, password: $password}) {
    accessToken
    buyer {
      company
      unit
      roles
    }
    errors {
      code
      message
    }
  }
}

query Products($first: Int = 5) {
  me {
    company {
      name
    }
    credit {
      balance {
        available {
          amount
          currency
        }
      }
    }
  }
  products(first: $first) {
    nodes {
      key
      name
      variants {
        sku
        price {
          isTaxIncluded
          tiers {
            minQuantity
            unitPrice {
              amount
              currency
            }
          }
        }
      }
    }
  }
}

subscription Placements {
  placementChanged {
    id
    status
    order {
      number
    }
  }
}
`;

const isForCompanies = window.location.pathname.startsWith("/b2b/");

const ask = (request, headers, accept) =>
  fetch(window.location.pathname, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...accept, ...headers },
    body: JSON.stringify(request),
  });

async function* subscribe(request, headers) {
  const response = await ask(request, headers, { Accept: "text/event-stream" });
  if (!response.headers.get("content-type").startsWith("text/event-stream")) {
    yield await response.json();
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\r\n\r\n");
      rest = events.pop();
      for (const event of events) {
        const data = event.split("\r\n").find((line) => line.startsWith("data: {"));
        if (data) yield JSON.parse(data.slice("data: ".length));
      }
    }
  } finally {
    await reader.cancel();
  }
}

const isSubscription = ({ query, operationName }) =>
  new RegExp(`subscription\\s+${operationName || ""}\\b`).test(query);

const fetcher = async (request, { headers } = {}) =>
  isForCompanies && isSubscription(request)
    ? subscribe(request, headers)
    : (await ask(request, headers)).json();

ReactDOM.createRoot(document.getElementById("page")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: isForCompanies ? forCompanies : forPeople,
    defaultEditorToolsVisibility: "headers",
    shouldPersistHeaders: !isForCompanies,
  }),
);
