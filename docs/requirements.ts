/** What was asked for, and the tests that show it: `file › part of the title`. A test checks that they exist. */
export const requirements: readonly { asked: string; shownBy: readonly string[] }[] = [
  {
    asked: "npm start and npm test work from a fresh clone; the tour is tested",
    shownBy: ["docs.test.ts › does what it says"],
  },
  {
    asked: "Import rules are checked by the linter",
    shownBy: ["boundaries.test.ts › the import rules", "boundaries.test.ts › import each other"],
  },
  {
    asked: "Each role outside an endpoint's permission gets 403, no token gets 401",
    shownBy: ["access.test.ts › no token gets 401", "access.test.ts › gets 403"],
  },
  {
    asked: "First run: an operator with all roles and a one-time link, 15 minutes",
    shownBy: ["access.test.ts › opens by a one-time link once", "docs.test.ts › does what it says"],
  },
  {
    asked: "Tokens: shown once, hashed, last use, expiry, revocation, disabling at once",
    shownBy: ["access.test.ts › stores only the hash", "access.test.ts › cuts off an expired"],
  },
  {
    asked: "Failed authentication is limited per address and never locks a valid token out",
    shownBy: ["access.test.ts › limits failures per address"],
  },
  {
    asked: "Embedded repository or the team's own; nobody's checkout is touched",
    shownBy: [
      "remote.test.ts › nobody's checkout is touched",
      "stores.test.ts › lands exactly the approved commit",
    ],
  },
  {
    asked: "Schemas name file, line and what is expected",
    shownBy: ["bad-input.test.ts › names file and line"],
  },
  {
    asked: "Recognition: 95 % intents, 90 % all fields, no question turned into a change",
    shownBy: [
      "../src/features/assistant/recognise/recognise.test.ts › is understood",
      "../src/features/assistant/recognise/recognise.test.ts › takes no question for a change",
    ],
  },
  {
    asked: "Missing fields are asked for, corrections change the pending request, questions are answered",
    shownBy: [
      "../src/features/assistant/conversation.test.ts › asks for what is missing",
      "../src/features/assistant/conversation.test.ts › lets a correction change",
      "../src/features/assistant/conversation.test.ts › answers from live configuration",
    ],
  },
  {
    asked: "Plans: real files, one patch by git, risks that follow, YAML edits that keep comments",
    shownBy: [
      "plans.test.ts › carries one patch that git applies",
      "plans.test.ts › risks follow from what a plan does",
      "../src/features/plans/yaml-edit.test.ts › keeps comments and order",
    ],
  },
  {
    asked:
      "Approvals bind patch, base and policy; quorum, expiry, self-approval, rules by path, staleness, direct",
    shownBy: [
      "approvals.test.ts › freezes the thresholds",
      "approvals.test.ts › waits for every vote",
      "approvals.test.ts › expires by itself",
      "approvals.test.ts › lets a lone approver approve",
      "approvals.test.ts › asks the roles that the rule of the path names",
      "approvals.test.ts › refuses to submit, and to approve",
      "approvals.test.ts › merges cleanly when the base moved elsewhere",
      "approvals.test.ts › is refused unless policy names the path",
    ],
  },
  {
    asked:
      "Pull requests: open, synchronise, merge the expected head, close; a forge that is down loses nothing",
    shownBy: [
      "forge.test.ts › opens a pull request",
      "forge.test.ts › takes in checks and reviews",
      "forge.test.ts › never merges a head",
      "forge.test.ts › keeps the decision while the forge is down",
    ],
  },
  {
    asked: "Audit: same transaction, 503 when it cannot be written, verify names the first broken record",
    shownBy: [
      "../src/features/audit/audit.test.ts › refuses with 503 and changes nothing",
      "../src/features/audit/audit.test.ts › names the first event",
      "../src/features/audit/audit.test.ts › copied as JSON lines",
      "stores.test.ts › keeps a whole audit chain",
    ],
  },
  {
    asked: "Command line with help, --json, exit codes and no colours in a pipe",
    shownBy: [
      "cli.test.ts › shows every command",
      "cli.test.ts › with exit code 2",
      "cli.test.ts › prints no colours",
    ],
  },
  {
    asked: "Bad input gets the contract's error; nothing half done, no 500",
    shownBy: [
      "bad-input.test.ts › a patch that",
      "http.test.ts › never with 500",
      "stores.test.ts › 64 simultaneous",
    ],
  },
  {
    asked: "One suite on SQLite memory, SQLite file and PostgreSQL",
    shownBy: ["stores.test.ts › on %s"],
  },
  {
    asked: "SIGKILL at each journal step of apply and rollback, both databases",
    shownBy: ["crash.testsuite.ts › SIGKILL on", "crash-forge.test.ts › SIGKILL with pull requests"],
  },
  {
    asked: "PlanExecutor and hashToken as the runbook's snippets",
    shownBy: ["library.test.ts › dry-runs, submits, decides and rolls back"],
  },
];
