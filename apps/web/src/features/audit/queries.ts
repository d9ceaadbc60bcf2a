import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";

export type AuditFilters = {
  actor?: string;
  action?: string;
  plan_id?: string;
  from?: string;
  to?: string;
};

export const auditQuery = (filters: AuditFilters) =>
  infiniteQueryOptions({
    queryKey: ["audit", "list", filters],
    queryFn: ({ pageParam }) =>
      call("listAudit", {
        query: { ...filters, limit: 50, ...(pageParam === "" ? {} : { cursor: pageParam }) },
      }),
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }) => next_cursor,
  });

export const checkpointQuery = queryOptions({
  queryKey: ["checkpoint"],
  queryFn: () => call("getCheckpoint"),
});

export const verdictQuery = queryOptions({
  queryKey: ["verdict"],
  queryFn: () => call("verifyAudit"),
  staleTime: 5 * 60_000,
});
