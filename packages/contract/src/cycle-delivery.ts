import { z } from "zod";
import { gateNames } from "./cycle-recipe.ts";
import { line } from "./fields.ts";

/** What execution and documentation hand on, and what the console found when it ran the gates. */

const prose = z.string().trim().min(1).max(8000);
const commitHash = z.string().regex(/^[0-9a-f]{40,64}$/);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** A sentence of the console, in both languages. */
const said = z.strictObject({ en: z.string(), "pt-BR": z.string() });
const testName = { file: z.string().nullable(), name: z.string() };

/** What a model writes about a change: it becomes a commit of its own, and the text of the pull request. */
export const documentationSchema = z.strictObject({
  /** Entries of `CHANGELOG.md`, by the headings of Keep a Changelog. */
  changelog: z
    .array(
      z.strictObject({
        section: z.enum(["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]),
        entry: z.string().trim().min(1).max(500),
      }),
    )
    .min(1)
    .max(20),
  /** A decision that somebody would ask about later, as MADR has it; null where there was none to make. */
  decision_record: z
    .strictObject({ title: line, context: prose, decision: prose, consequences: prose })
    .nullable(),
  /** Changes of documents of the project, such as its README: a passage that stands there once, and what takes its place. */
  edits: z
    .array(
      z.strictObject({
        path: z.string().min(1).max(500),
        find: z.string().min(1).max(8000),
        replace: z.string().max(16_000),
      }),
    )
    .max(20)
    .default([]),
  pull_request: z.strictObject({
    /** Without the type: `fix: ` is put before it. */
    title: z.string().trim().min(1).max(80),
    type: z.enum(["feat", "fix", "docs", "refactor", "perf", "test", "build", "chore"]),
    body: prose,
  }),
});
export type Documentation = z.infer<typeof documentationSchema>;

const gateResultSchema = z.strictObject({
  gate: z.enum(gateNames),
  on: z.enum(["base", "head"]),
  command: z.string(),
  passed: z.boolean(),
  code: z.number().nullable(),
  /** Why the console ended it; null where it ended by itself. */
  ended: z.enum(["timeout", "memory", "processes", "cancelled"]).nullable(),
  ms: z.number(),
  /** What it printed, by its hash. */
  log: hash,
  /** The same with its times, as an asciicast. */
  recording: hash.nullable().default(null),
});
export type GateResult = z.infer<typeof gateResultSchema>;

/** What the console found when it ran the gates on a commit, in checkouts of its own. Nothing in it is an agent's word. */
export const checkReportSchema = z.strictObject({
  base: commitHash,
  head: commitHash,
  recipe: z.enum(["declared", "detected"]),
  gates: z.array(gateResultSchema),
  /** Null where the results of single tests are not known. */
  tests: z
    .strictObject({
      runner: z.string(),
      passed_on_base: z.number(),
      passed_on_head: z.number(),
      /** New tests, and how they did on the base commit. */
      fresh: z.array(
        z.strictObject({
          file: z.string().nullable(),
          name: z.string().nullable(),
          on_base: z.enum(["assertion", "absence", "green", "error"]),
          message: z.string().nullable(),
        }),
      ),
      lost: z.array(z.strictObject({ ...testName, now: z.enum(["gone", "failed", "skipped", "todo"]) })),
      flaky: z.array(z.strictObject(testName)),
    })
    .nullable(),
  /** The run of the new tests on what there was before: red is what it should be. Null where there was none. */
  red_run: z.strictObject({ log: hash, recording: hash }).nullable().default(null),
  /**
   * How things looked while tests ran: pictures, videos, traces, by their hashes. `red` is the run of the new tests on what there was
   * before. `test` is null where nobody says which test it is of.
   */
  captures: z
    .array(
      z.strictObject({
        on: z.enum(["head", "red"]),
        test: z.string().nullable(),
        name: z.string(),
        media_type: z.string(),
        sha256: hash,
        bytes: z.number(),
      }),
    )
    .default([]),
  /** Files that were not kept: too large, too many, or of no kind that is known. */
  captures_left_out: z.number().default(0),
  /**
   * How well the tests look at the changed lines. Each is null where it was not measured, and the whole of it where the work was
   * red before that.
   */
  measures: z
    .strictObject({
      coverage: z
        .strictObject({
          covered: z.number(),
          /** Changed lines of code that can run, in files that were measured. */
          lines: z.number(),
          missed: z.array(z.strictObject({ path: z.string(), line: z.number() })),
          /** Changed source files of which nothing is known. */
          not_measured: z.array(z.string()),
        })
        .nullable(),
      /** Changes of the changed lines that a good test notices. */
      mutation: z
        .strictObject({
          detected: z.number(),
          mutants: z.number(),
          survived: z.array(
            z.strictObject({ path: z.string(), line: z.number(), from: z.string(), to: z.string() }),
          ),
          /** Whether time was up before all had been tried. */
          is_cut: z.boolean(),
          /** Changed source files of which no mutants could be made. */
          not_measured: z.array(z.string()).default([]),
        })
        .nullable(),
    })
    .nullable()
    .default(null),
  /** What a person has to agree to before it can be merged. */
  to_agree: z.array(
    z.strictObject({
      kind: z.enum([
        "test_deleted",
        "test_disabled",
        "assertion_changed",
        "check_silenced",
        "checks_changed",
        "test_lost",
        "tests_unknown",
        "shown_by_absence",
        "not_measured",
      ]),
      path: z.string(),
      line: z.number().nullable(),
      text: z.string().nullable(),
    }),
  ),
  /** The tests that show each requirement. */
  requirements: z.array(
    z.strictObject({
      requirement: z.string(),
      cases: z.array(z.strictObject({ case: z.string(), tests: z.array(z.string()) })),
    }),
  ),
  changed: z.array(z.strictObject({ path: z.string(), added: z.number(), removed: z.number() })),
  /** Why it is red; none where it is green. */
  problems: z.array(said),
});
export type CheckReport = z.infer<typeof checkReportSchema>;

/** What came of one run of the agent. `claims` is what it said; the check report is what is known. */
export const executionSchema = z.strictObject({
  try: z.number(),
  base: commitHash,
  /** Null where it committed nothing. */
  head: commitHash.nullable(),
  agent: z.strictObject({ name: z.string(), version: z.string().nullable(), protocol: z.number() }),
  stop_reason: z.string(),
  /** Parts of the work that are done, by this run and those before it that broke off. */
  done: z.array(z.string()).default([]),
  /** Why the agent broke off before it had done all parts; null where it did not. */
  broke_off: said.nullable().default(null),
  claims: z.string(),
  commits: z.array(z.strictObject({ commit: commitHash, subject: z.string() })),
  /** What it asked leave for; `by` is the person who answered, null for policy, or where nobody did in time. */
  permissions: z.array(
    z.strictObject({
      title: z.string(),
      answer: z.enum(["allowed", "denied"]),
      by: z.string().nullable().default(null),
    }),
  ),
  /** Its turns, by the part of the work that each was for (null: work was mended), with what its calls of models used. */
  turns: z
    .array(
      z.strictObject({
        item: z.string().nullable(),
        ms: z.number(),
        calls: z.number(),
        input_tokens: z.number(),
        output_tokens: z.number(),
        usd: z.number(),
        /** Calls of which nobody knows the cost. */
        unknown_calls: z.number(),
      }),
    )
    .default([]),
});
export type Execution = z.infer<typeof executionSchema>;
