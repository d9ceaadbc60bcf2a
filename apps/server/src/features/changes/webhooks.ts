import { text } from "@ciclo/contract";
import { Webhooks } from "@octokit/webhooks";
import { z } from "zod";
import type { ForgeConfig } from "../../domain/forge.ts";
import { Refusal } from "../../errors.ts";
import { equalInConstantTime } from "../../lib/crypto.ts";
import { withBuffer } from "../../lib/buffered.ts";
import { readBody } from "../../lib/request-body.ts";
import { parseJson } from "../../lib/parse-json.ts";

/** The branches that an event may speak of, in either forge's shape. */
const eventSchema = z.object({
  /** Of a push, in both forges' shape. */
  ref: z.string().optional(),
  pull_request: z.object({ head: z.object({ ref: z.string() }) }).optional(),
  check_run: z
    .object({ check_suite: z.object({ head_branch: z.string().nullable() }).optional() })
    .optional(),
  check_suite: z.object({ head_branch: z.string().nullable() }).optional(),
  object_attributes: z
    .object({ source_branch: z.string().optional(), ref: z.string().optional() })
    .optional(),
});

export type WebhookDeps = {
  forge: ForgeConfig;
  maxBodyBytes: number;
  /** Takes in how the pull request of a branch stands; false when it is not one of ours. */
  syncBranch(branch: string): Promise<boolean>;
  /** Takes in that a branch was pushed to; false when it is not the live one. */
  pushed(branch: string): Promise<boolean>;
};

/** Nobody has proved to be the forge before all of it is read. Hints about branches are far smaller. */
const maxHintBytes = 1024 * 1024;

/**
 * Answers a signed hint that a pull request or a branch moved. Only the branch is taken
 * from it; the state is then read from the forge itself.
 */
export function webhookHandler({ forge, maxBodyBytes, syncBranch, pushed }: WebhookDeps) {
  return async (request: Request): Promise<Response> => {
    const limit = Math.min(maxHintBytes, maxBodyBytes);
    const body = await withBuffer(async (buffered) =>
      Buffer.from(await readBody(request, limit, buffered)).toString("utf8"),
    );
    const { webhookSecret } = forge;
    if (webhookSecret === undefined || !(await isSigned(forge, webhookSecret, body, request.headers))) {
      throw new Refusal(
        "unauthenticated",
        text(
          "The webhook's signature does not fit CICLO_FORGE_WEBHOOK_SECRET",
          "A assinatura do webhook não corresponde a CICLO_FORGE_WEBHOOK_SECRET",
        ),
      );
    }
    const event = eventSchema.safeParse(parseJson(body)).data;
    const branch = branchOf(event);
    const push = /^refs\/heads\/(.+)$/.exec(event?.ref ?? "")?.[1];
    const known =
      (branch !== null && (await syncBranch(branch))) || (push !== undefined && (await pushed(push)));
    return Response.json({ known }, { status: 202 });
  };
}

async function isSigned(
  forge: ForgeConfig,
  secret: string,
  body: string,
  headers: Headers,
): Promise<boolean> {
  if (forge.provider === "gitlab") return equalInConstantTime(headers.get("x-gitlab-token") ?? "", secret);
  const signature = headers.get("x-hub-signature-256");
  return signature !== null && body !== "" && new Webhooks({ secret }).verify(body, signature);
}

function branchOf(event: z.infer<typeof eventSchema> | undefined): string | null {
  return (
    event?.pull_request?.head.ref ??
    event?.check_run?.check_suite?.head_branch ??
    event?.check_suite?.head_branch ??
    event?.object_attributes?.source_branch ??
    event?.object_attributes?.ref ??
    null
  );
}
