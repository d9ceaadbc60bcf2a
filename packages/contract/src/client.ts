import { type Endpoint, endpoints } from "./endpoints.ts";
import { problemSchema } from "./problems.ts";
import { type Client, type ClientOptions, createTransport } from "./transport.ts";

/** A typed client that checks each answer against its schema. Throws `ZodError` for one that does not fit. */
export function createClient(options: ClientOptions): Client {
  return createTransport(options, {
    problem: (json) => problemSchema.parse(json),
    answer(name, json) {
      const endpoint: Endpoint = endpoints[name];
      return endpoint.response?.parse(json);
    },
  });
}
