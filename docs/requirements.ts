import { cycles } from "./requirements-cycles.ts";
import { doors } from "./requirements-doors.ts";
import { reliability } from "./requirements-reliability.ts";
import { usage } from "./requirements-usage.ts";

/**
 * What was asked for, and the tests that show it: `file › part of the title`, of the server or, with
 * `web/`, the console. A test checks that they exist.
 */
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
  {
    asked: "Kit: every part in its states on /kit, in development only; both themes",
    shownBy: [
      "web/kit.test.ts › shows each part in its states",
      "web/looks.test.ts › is not part of what is shipped",
    ],
  },
  {
    asked: "Sign-in by token and one-time link, sign-out, deep links, session expiry without losing text",
    shownBy: [
      "web/access.test.ts › by the link of the first run works once",
      "web/access.test.ts › goes on where the link pointed",
      "web/faults.test.ts › asks for it on top of the page",
    ],
  },
  {
    asked: "The runbook's journey in pt-BR and en: two people, two browsers, live, commit, rollback, audit",
    shownBy: ["web/journey.test.ts › goes from a sentence to a commit and back"],
  },
  {
    asked: "The whole approval journey by keyboard alone",
    shownBy: ["web/journey.test.ts › an operator signs in, asks, submits"],
  },
  {
    asked: "Changes: inbox, filters in the address, cursor paging over 100,000 rows, pull request checks",
    shownBy: [
      "web/scale.test.ts › is paged through by cursor",
      "web/scale.test.ts › shows its checks as the forge reports them",
      "web/looks.test.ts › of filters and pages are in the address",
    ],
  },
  {
    asked: "Roll back with the exact consequence named",
    shownBy: [
      "status.test.ts › is said before it is done",
      "status.test.ts › names the paths on which it would be refused",
    ],
  },
  {
    asked: "Audit: filters, detail, chain state, checkpoint, export",
    shownBy: [
      "status.test.ts › the whole log, as JSON lines",
      "web/journey.test.ts › goes from a sentence to a commit and back",
    ],
  },
  {
    asked: "Access: every provisioning step of the runbook on one page",
    shownBy: [
      "web/access.test.ts › is done on one page",
      "web/access.test.ts › takes a token made with openssl",
    ],
  },
  {
    asked: "Home: what waits, what changed, what is unhealthy",
    shownBy: [
      "status.test.ts › are well on a fresh console",
      "status.test.ts › name the file that a push by hand broke",
    ],
  },
  {
    asked: "Live: server-sent events, no polling, one connection a browser, recovers with what was missed",
    shownBy: [
      "live.test.ts › go on behind Last-Event-ID",
      "web/faults.test.ts › in two tabs of one browser, one connection serves both",
      "web/faults.test.ts › says so, keeps what is typed, comes back by itself",
    ],
  },
  {
    asked: "One process, same origin, strict CSP, deep links; the weight is printed and bounded by the build",
    shownBy: [
      "http.test.ts › with its page, under a strict policy",
      "http.test.ts › gives its files for good",
    ],
  },
  {
    asked:
      "axe finds nothing, 390 px without sideways scrolling, every page in both themes, widths and languages",
    shownBy: [
      "web/pages.test.ts › pixels, and axe finds nothing",
      "web/looks.test.ts › is free of axe's findings too",
    ],
  },
  {
    asked:
      "409 stale with a new plan, 422 by file, two who decide, long names, 5,000 lines, emoji, right-to-left",
    shownBy: [
      "web/faults.test.ts › a stale one offers to plan it again",
      "web/faults.test.ts › one that was tampered with is refused",
      "web/faults.test.ts › who comes second reads who decided",
      "web/faults.test.ts › at great length breaks where it must",
      "web/faults.test.ts › in a diff of 5,000 lines",
      "web/faults.test.ts › of any script is shown as it was written",
    ],
  },
  {
    asked: "No text outside the catalogues; a missing translation fails",
    shownBy: [
      "web/catalogue.test.ts › hold every message of the code",
      "web/catalogue.test.ts › have a translation for each",
    ],
  },
  {
    asked:
      "Connections: stdio, streamable HTTP, legacy SSE, WebSocket; negotiation; visible steps; cancellation",
    shownBy: [
      "servers/connect.test.ts › goes through its steps with",
      "servers/connect.test.ts › goes over a WebSocket",
      "servers/connect.test.ts › goes with server-everything over",
      "servers/connect.test.ts › can be called off",
    ],
  },
  {
    asked: "Stdio processes: own environment, memory limit, back-off, none left after stop, crash or SIGKILL",
    shownBy: [
      "servers/connect.test.ts › get an environment of their own",
      "servers/processes.test.ts › is ended when it takes more memory",
      "servers/processes.test.ts › is gone when the console stops",
      "servers/processes.test.ts › is gone after %s of the console",
    ],
  },
  {
    asked:
      "The registry follows the live branch without dropping calls in flight; health is a state machine with history",
    shownBy: [
      "servers/onboarding.test.ts › follows the live branch when somebody pushes",
      "gateway/gateway.test.ts › lets calls under way end",
      "../src/features/servers/health.test.ts › health",
    ],
  },
  {
    asked:
      "Onboarding: validate answers only validation; plan adds manifest, entry, lock, README; values go to the store",
    shownBy: [
      "servers/onboarding.test.ts › with validate answers only",
      "servers/onboarding.test.ts › plans manifest, README, registry entry and tool lock",
      "servers/onboarding.test.ts › sends a stored key nowhere before approval",
    ],
  },
  {
    asked: "Import and export for four clients; the console's own MCP server plans and decides nothing",
    shownBy: [
      "servers/onboarding.test.ts › is imported as one plan, its keys moved to the store",
      "gateway/gateway.test.ts › plans and submits from an IDE, and decides nothing",
    ],
  },
  {
    asked:
      "Keys: encrypted, never returned, staged rotation told live, force audited, master key re-wrapped, renewal",
    shownBy: [
      "servers/keys.test.ts › are kept encrypted",
      "servers/keys.test.ts › is proven by a handshake, told live",
      "servers/keys.test.ts › can be forced",
      "servers/keys.test.ts › is rotated beside a console that runs",
      "servers/keys.test.ts › is moved on by its issuer",
    ],
  },
  {
    asked:
      "Gateway: any pairing of eras, RFC 9728, no token upstream, access, budget, rates, one usage event a call",
    shownBy: [
      "gateway/gateway.test.ts › lists and calls tools",
      "gateway/gateway.test.ts › says where to learn of it (RFC 9728)",
      "gateway/gateway.test.ts › sends its own credentials to the server",
      "gateway/gateway.test.ts › decide who sees and calls which tool",
      "gateway/gateway.test.ts › hold what calls cost to a budget",
      "gateway/gateway.test.ts › holds one event for each call",
    ],
  },
  {
    asked: "One bad upstream harms nobody else; what two readers could read in two ways goes nowhere",
    shownBy: [
      "gateway/gateway.test.ts › with one server leaves the others unharmed",
      "gateway/hardening.test.ts › take no place from calls",
      "gateway/hardening.test.ts › a message that could be read in two ways",
    ],
  },
  {
    asked:
      "Tool lock: a difference withholds that tool only, is shown, planned, accepted; new tools are hidden",
    shownBy: [
      "servers/onboarding.test.ts › withholds a tool that changed overnight",
      "servers/onboarding.test.ts › hides tools that nobody approved",
      "gateway/hardening.test.ts › judges a list as it is shown",
    ],
  },
  {
    asked: "Canary: probes by policy, takes back with evidence, waits for a person where it cannot tell",
    shownBy: [
      "servers/canary.test.ts › takes a change back by itself",
      "servers/canary.test.ts › waits for a person",
    ],
  },
  {
    asked: "MCP conformance, both revisions, as server and as client",
    shownBy: [
      "gateway/conformance.test.ts › is passed as a server",
      "gateway/conformance.test.ts › is passed as a client",
    ],
  },
  {
    asked:
      "Servers and keys in the browser: onboard, approve, call, rotate well and badly, drift, accept, canary",
    shownBy: [
      "web/servers.test.ts › is onboarded, approved, and called through the gateway",
      "web/servers.test.ts › a key is rotated by a handshake that is seen",
      "web/servers.test.ts › a tool that changes is withheld",
      "web/servers.test.ts › is taken back by the canary",
    ],
  },
  {
    asked:
      "Bad upstreams: unreachable, hanging, 5 MB and endless schemas, network $ref, metadata address, rebinding",
    shownBy: [
      "servers/connect.test.ts › when the server",
      "servers/connect.test.ts › are those with a schema of 5 MB",
      "servers/connect.test.ts › are those that refer to the network",
      "servers/connect.test.ts › is never the address of cloud metadata",
      "servers/connect.test.ts › is checked on the address connected to",
    ],
  },
  ...usage,
  ...cycles,
  ...reliability,
  ...doors,
];
