import { queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";

export const healthQuery = queryOptions({ queryKey: ["health"], queryFn: () => call("getHealth") });

export const configurationQuery = queryOptions({
  queryKey: ["configuration"],
  queryFn: () => call("getConfiguration"),
});
