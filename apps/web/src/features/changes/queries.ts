import type { ApprovalItem, ChangeDetail } from "@ciclo/contract";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";
import { codeOf } from "../../problems.ts";

/** Everything that waits for somebody's decision, newest first. */
export const inboxQuery = queryOptions({
  queryKey: ["approvals", "pending"],
  queryFn: () => call("listApprovals", { query: { status: "pending", limit: 200 } }),
});

export const mineToDecide = (items: readonly ApprovalItem[]): ApprovalItem[] =>
  items.filter((item) => item.can_decide);

export type ChangeFilters = {
  status?: ChangeDetail["status"];
  outcome?: NonNullable<ChangeDetail["outcome"]>;
  intent?: string;
  actor?: string;
  search?: string;
  cursor?: string;
};

export const changesQuery = (filters: ChangeFilters) =>
  queryOptions({
    queryKey: ["changes", "list", filters],
    queryFn: () => call("listChanges", { query: { ...filters, limit: 50 } }),
    placeholderData: keepPreviousData,
  });

/** A change, or null as long as its plan has not been submitted. */
export const changeQuery = (planId: string) =>
  queryOptions({
    queryKey: ["change", planId],
    async queryFn(): Promise<ChangeDetail | null> {
      try {
        return await call("getChange", { params: { plan_id: planId } });
      } catch (error) {
        if (codeOf(error) === "not_found") return null;
        throw error;
      }
    },
  });

export const rollbackQuery = (planId: string) =>
  queryOptions({
    queryKey: ["rollback", planId],
    queryFn: () => call("previewRollback", { params: { plan_id: planId } }),
  });
