import { ProblemError } from "@ciclo/contract";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";

/** Nothing came, or not from the console: it is down, or something between us and it said no. */
export class NoAnswer extends Error {}

export type Described = {
  title: string;
  detail: string | null;
  code: string | null;
  fields: { path: string; message: string }[];
  requestId: string | null;
};

/** A failure in words. The server explains its refusals itself; what never reached it is explained here. */
export function describeProblem(error: unknown, t: (message: MessageDescriptor) => string): Described {
  const none = { code: null, fields: [], requestId: null };
  if (error instanceof ProblemError) {
    const { detail, code, errors = [], request_id } = error.problem;
    return {
      title: detail,
      detail: null,
      code,
      fields: errors,
      requestId: code === "internal" ? (request_id ?? null) : null,
    };
  }
  if (error instanceof NoAnswer) {
    return {
      ...none,
      title: t(msg`The console does not answer`),
      detail: t(msg`Nothing you typed is lost. Check that Ciclo is running, then try again.`),
    };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { ...none, title: t(msg`This page met something it did not expect`), detail };
}

export const codeOf = (error: unknown): string | null =>
  error instanceof ProblemError ? error.problem.code : null;
