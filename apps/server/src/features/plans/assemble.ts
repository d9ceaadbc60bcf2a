import { createHash } from "node:crypto";
import {
  type Intent,
  intentPayloads,
  intents,
  type Locale,
  type Plan,
  type PlanDiff,
  type Reference,
  text,
  type TypedRequest,
} from "@ciclo/contract";
import { fieldError, invalidPayload } from "../../errors.ts";
import { canonicalJson, sha256, shortName } from "../../lib/crypto.ts";
import { fieldErrors } from "../../lib/validation.ts";
import type { Requirement } from "../../domain/approvals.ts";
import type { Draft } from "./draft.ts";
import type { DraftRisk } from "./risks.ts";

/** Checks an intent and its payload. Refuses with every field that is wrong. */
export function parseRequest(intent: string, payload: unknown): TypedRequest {
  if (!(intents as readonly string[]).includes(intent)) {
    const known = intents.join(", ");
    throw invalidPayload([
      fieldError(
        "intent",
        `unknown intent ${intent}; there are: ${known}`,
        `intent ${intent} desconhecido; há: ${known}`,
      ),
    ]);
  }
  const parsed = intentPayloads[intent as Intent].safeParse(payload);
  if (!parsed.success) throw invalidPayload(fieldErrors(parsed.error));
  return { intent, payload: parsed.data } as TypedRequest;
}

/**
 * The plan's id: readable, and the same for the same request on the same commit in the same language.
 * `attempt` tells a request apart that was planned, decided and is planned again.
 */
export function planId(
  name: string,
  request: TypedRequest,
  on: { base: string; locale: Locale; attempt: number },
): string {
  const digest = createHash("sha256")
    .update(canonicalJson({ ...request, ...on }))
    .digest();
  return `${name.slice(0, 80)}-${shortName(digest, 6)}`;
}

export type PlanParts = {
  id: string;
  request: TypedRequest;
  draft: Draft;
  patch: string;
  risks: readonly DraftRisk[];
  context: Reference[];
  requirements: readonly Requirement[];
  base: { branch: string; commit: string };
  locale: Locale;
};

/** Puts a plan together in one language. Pure. */
export function assemblePlan(parts: PlanParts): Plan {
  const { draft, locale } = parts;
  return {
    id: parts.id,
    intent: parts.request.intent,
    summary: draft.summary[locale],
    status: "pending",
    steps: draft.steps.map((step) => ({
      ...step,
      title: step.title[locale],
      description: step.description[locale],
    })),
    diffs: splitPatch(parts.patch).map((diff) => ({
      ...diff,
      summary: draft.fileSummaries.get(diff.path)?.[locale] ?? diff.path,
    })),
    risks: parts.risks.map((risk) => ({
      title: risk.title[locale],
      impact: risk.impact,
      mitigation: risk.mitigation[locale],
    })),
    context: parts.context,
    approval_rules: parts.requirements.map((requirement) => describeRequirement(requirement)[locale]),
    base_branch: parts.base.branch,
    base_commit: parts.base.commit,
    patch_sha256: sha256(parts.patch),
  };
}

/** Cuts a patch made by git into its files. */
export function splitPatch(patch: string): Omit<PlanDiff, "summary">[] {
  return patch
    .split(/^(?=diff --git )/m)
    .filter((part) => part !== "")
    .map((part) => {
      const header = part.slice(0, part.search(/^@@/m) >>> 0);
      const created = /^new file mode/m.test(header);
      const deleted = /^deleted file mode/m.test(header);
      const start = part.search(/^--- /m);
      return {
        path: pathOf(header),
        change_type: created ? "create" : deleted ? "delete" : "update",
        diff: start < 0 ? "" : part.slice(start),
      };
    });
}

/** Both sides of `diff --git` are the same path, since renames are not looked for. */
function pathOf(header: string): string {
  const line = /^diff --git (.*)$/m.exec(header)?.[1] ?? "";
  const quoted = /^"a\/((?:[^"\\]|\\.)*)" /.exec(line)?.[1];
  return quoted === undefined ? line.slice(2, (line.length - 1) / 2) : unquote(quoted);
}

/** Git's C-style quoting: octal escapes are bytes of UTF-8. */
function unquote(quoted: string): string {
  const bytes: number[] = [];
  for (const [piece, octal, escaped] of quoted.matchAll(/\\([0-7]{3})|\\(.)|[^\\]+/g)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else bytes.push(...Buffer.from(escaped === undefined ? piece : (escapes[escaped] ?? escaped)));
  }
  return Buffer.from(bytes).toString("utf8");
}

const escapes: Record<string, string> = { n: "\n", t: "\t", r: "\r" };

function describeRequirement({ rule, required, roles, self_approval, expires_after }: Requirement) {
  const who = roles.join(", ");
  const self = {
    never: text("never by the author", "nunca pelo autor"),
    only_approver: text("by the author only when nobody else can", "pelo autor apenas se não houver outro"),
    always: text("also by the author", "também pelo autor"),
  }[self_approval];
  return text(
    `${rule}: ${required} approval${required === 1 ? "" : "s"} by ${who}, ${self.en}, within ${expires_after}`,
    `${rule}: ${required} aprovaç${required === 1 ? "ão" : "ões"} de ${who}, ${self["pt-BR"]}, em até ${expires_after}`,
  );
}
