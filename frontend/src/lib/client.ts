import { createClient as createSocket } from "graphql-ws";
import { type Client, cacheExchange, createClient, fetchExchange, subscriptionExchange } from "urql";
import { serverIs, socketIs } from "./live";
import { signedOut } from "./session";

const LONGEST_RETRY_MS = 5_000;

/** The service would answer queries as a stream if a stream were accepted too. */
const JSON_ONLY = { accept: "application/graphql-response+json, application/json" };

const watchedFetch: typeof fetch = async (input, init) => {
  try {
    const answer = await fetch(input, init);
    serverIs(answer.status < 502 || answer.status > 504);
    if (answer.status === 401) signedOut.set(true);
    return answer;
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) serverIs(false);
    throw error;
  }
};

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function makeSocket() {
  const url = new URL("/graphql", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return createSocket({
    url: url.href,
    keepAlive: 10_000,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => !signedOut.get(),
    retryWait: (retries) => pause(Math.min(500 * 2 ** retries, LONGEST_RETRY_MS) * (0.75 + Math.random() / 2)),
    on: { connected: () => socketIs(true), closed: () => socketIs(false), error: () => socketIs(false) },
  });
}

function makeClient(): Client {
  const socket = makeSocket();
  return createClient({
    url: "/graphql",
    preferGetMethod: false,
    fetch: watchedFetch,
    fetchOptions: { headers: JSON_ONLY, credentials: "same-origin" },
    requestPolicy: "cache-and-network",
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query: request.query ?? "", variables: request.variables }, sink),
          }),
        }),
      }),
    ],
  });
}

/** While prerendering there is nobody to ask: every query stays in its loading state. */
function makeSilentClient(): Client {
  return createClient({ url: "http://prerender.invalid/graphql", preferGetMethod: false, exchanges: [] });
}

let made: Client | undefined;

export function client(): Client {
  made ??= typeof window === "undefined" ? makeSilentClient() : makeClient();
  return made;
}
