import type { McpClient } from "@ciclo/contract";
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";
import { codeOf } from "../../problems.ts";

/** States move on between events too: latency, calls under way. */
const refetchMs = 15_000;

export const serversQuery = queryOptions({
  queryKey: ["servers"],
  queryFn: async () => (await call("listServers")).items,
  refetchInterval: refetchMs,
});

/** A server, or null where there is none of this id. */
export const serverQuery = (id: string) =>
  queryOptions({
    queryKey: ["server", id],
    async queryFn() {
      try {
        return await call("getServer", { params: { id } });
      } catch (error) {
        if (codeOf(error) === "not_found") return null;
        throw error;
      }
    },
    refetchInterval: refetchMs,
  });

export const toolQuery = (id: string, tool: string) =>
  queryOptions({
    queryKey: ["tool", id, tool],
    queryFn: () => call("getServerTool", { params: { id, tool } }),
  });

export const clientQuery = (client: McpClient, server: string | null) =>
  queryOptions({
    queryKey: ["client", client, server],
    queryFn: () => call("exportClient", { query: { client, ...(server === null ? {} : { server }) } }),
  });
