import { z } from "zod";

/** The predicate of the statement that a cycle ends with. */
export const cyclePredicateType = "urn:ciclo:predicate:cycle:v1";
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * An in-toto statement about a cycle that has ended: which commit it brought, and what shows that this is what was asked for. It
 * is signed as a DSSE envelope in a Sigstore bundle. https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 */
export const cycleStatementSchema = z.object({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z
    .array(z.object({ name: z.string(), digest: z.object({ gitCommit: z.string() }) }))
    .min(1)
    .max(1),
  predicateType: z.literal(cyclePredicateType),
  predicate: z.object({
    cycle: z.object({ id: z.string(), title: z.string(), repository: z.string(), branch: z.string() }),
    base: z.string(),
    head: z.string(),
    issue: z.object({
      sha256: hash,
      attachments: z.array(z.object({ name: z.string(), sha256: hash })).default([]),
    }),
    requested_by: z.string(),
    /** Whether the models were a replay: prepared replies, and nobody who answered. */
    replay: z.boolean().default(false),
    requirements: z.array(
      z.object({
        id: z.string(),
        text: z.string(),
        /** Parts of the work that are for it. */
        work_items: z.array(z.string()),
        tests: z.array(
          z.object({
            case: z.string(),
            name: z.string(),
            /** How it did on the base commit. */
            on_base: z.enum(["assertion", "absence"]),
            on_head: z.literal("passed"),
          }),
        ),
      }),
    ),
    commits: z.array(z.object({ commit: z.string(), subject: z.string() })),
    gates: z.array(
      z.object({
        gate: z.string(),
        on: z.string(),
        command: z.string(),
        passed: z.boolean(),
        log: hash,
        recording: hash.nullable().default(null),
      }),
    ),
    /** The new tests on what there was before, by the hashes of log and recording. */
    red_run: z.object({ log: hash, recording: hash }).nullable().default(null),
    /** How things looked while the tests ran, before the change (`red`) and with it, by the hashes of pictures, videos and traces. */
    captures: z
      .array(z.object({ on: z.string(), test: z.string().nullable(), media_type: z.string(), sha256: hash }))
      .default([]),
    /** Changed lines that ran in the tests, and mutants that a test noticed; null where it was not measured. */
    coverage: z.object({ covered: z.number(), lines: z.number() }).nullable().default(null),
    mutation: z.object({ detected: z.number(), mutants: z.number() }).nullable().default(null),
    /** What a person agreed to beside the change itself. */
    agreed_to: z.array(z.object({ kind: z.string(), path: z.string() })),
    approvals: z.array(
      z.object({
        checkpoint: z.string(),
        subject: hash,
        by: z.string(),
        roles: z.array(z.string()),
        at: z.string(),
      }),
    ),
    artifacts: z.array(
      z.object({ kind: z.string(), version: z.number(), sha256: hash, model: z.string().nullable() }),
    ),
    cost: z.object({
      usd: z.number(),
      calls: z.number(),
      unknown_calls: z.number(),
      phases: z.array(z.object({ phase: z.string(), usd: z.number(), calls: z.number() })).default([]),
      /** By part of the work; `item` is null for mending what the gates found. */
      parts: z
        .array(z.object({ item: z.string().nullable(), usd: z.number(), calls: z.number() }))
        .default([]),
    }),
    /** On a forge; `merge_commit` is what merging made there. */
    pull_request: z.object({ url: z.string(), merge_commit: z.string().nullable() }).nullable().default(null),
    ended_at: z.string(),
  }),
});
export type CycleStatement = z.infer<typeof cycleStatementSchema>;

/** By which whoever has it checks a cycle's manifest without the console. */
export const cycleKeySchema = z.object({
  /** SubjectPublicKeyInfo of an Ed25519 key, PEM. */
  public_key: z.string(),
  hint: z.string(),
});
export type CycleKey = z.infer<typeof cycleKeySchema>;
