import type { CycleState } from "@ciclo/contract";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";

export type CycleFilters = { state?: CycleState; waiting?: "true"; cursor?: string };

export const cyclesQuery = (filters: CycleFilters) =>
  queryOptions({
    queryKey: ["cycles", "list", filters],
    queryFn: () => call("listCycles", { query: { ...filters, limit: 50 } }),
    placeholderData: keepPreviousData,
  });

export const cycleQuery = (id: string) =>
  queryOptions({
    queryKey: ["cycle", id],
    queryFn: () => call("getCycle", { params: { id } }),
  });

export const cycleDiffQuery = (id: string, head: string) =>
  queryOptions({
    queryKey: ["cycle", id, "diff", head],
    queryFn: () => call("getCycleDiff", { params: { id } }),
    // Of these commits it stays what it is.
    staleTime: Infinity,
  });

export const evidenceQuery = (id: string, sha256: string) =>
  queryOptions({
    queryKey: ["cycle", id, "evidence", sha256],
    queryFn: () => call("getCycleEvidence", { params: { id, sha256 } }),
    staleTime: Infinity,
  });
