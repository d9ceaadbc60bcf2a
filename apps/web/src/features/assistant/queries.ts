import type { ChatOverview } from "@ciclo/contract";
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";

/** Own conversations, and what can be asked for. */
export const threadsQuery = queryOptions({
  queryKey: ["threads", "list"],
  queryFn: () => call("getChat"),
});

export const threadQuery = (threadId: string) =>
  queryOptions({
    queryKey: ["threads", "one", threadId],
    async queryFn(): Promise<NonNullable<ChatOverview["messages"]>> {
      return (await call("getChat", { query: { threadId } })).messages ?? [];
    },
  });
