import { queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";

export const usersQuery = queryOptions({ queryKey: ["users"], queryFn: () => call("listUsers") });

export const runTokensQuery = queryOptions({
  queryKey: ["run-tokens"],
  queryFn: () => call("listRunTokens"),
});
