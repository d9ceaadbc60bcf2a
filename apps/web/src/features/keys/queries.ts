import { queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";

export const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: async () => (await call("listKeys")).items,
});
