import { queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";

/** What fails outside the console makes no event, so it is asked for once a minute. */
export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: () => call("getHealth"),
  refetchInterval: 60_000,
});

export const configurationQuery = queryOptions({
  queryKey: ["configuration"],
  queryFn: () => call("getConfiguration"),
});
