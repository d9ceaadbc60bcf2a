/** Usage and costs, and the tests that show each line; see `requirements.ts`. */
export const usage: readonly { asked: string; shownBy: readonly string[] }[] = [
  {
    asked: "glm46-mcp-server: three tools, guard-rails, telemetry, both eras, behind the console",
    shownBy: [
      "servers/glm46.test.ts › offers three tools",
      "servers/glm46.test.ts › deny before the call",
      "servers/glm46.test.ts › try again after 429 and 5xx only",
      "servers/glm46.test.ts › count with a tokenizer",
      "servers/glm46.test.ts › is started from the registry",
      "servers/glm46.test.ts › passes the conformance scenarios",
    ],
  },
  {
    asked:
      "Telemetry is followed: restarts, rotation, truncation, partial lines, gz, duplicates, bad lines, kills",
    shownBy: [
      "ingest.test.ts › waits for the end of a line",
      "ingest.test.ts › goes on at the byte after a restart",
      "ingest.test.ts › counts equal lines of one moment each",
      "ingest.test.ts › keeps bad lines aside",
      "ingest.test.ts › passes over a line of 50 MB",
      "ingest.test.ts › loses and doubles nothing, whenever the console is killed",
    ],
  },
  {
    asked: "Logs and exports of six agents say what the wire says, but for what they cannot know",
    shownBy: [
      "ingest.test.ts › are taken in where they are asked for",
      "ingest.test.ts › are read from opencode's database",
      "otlp.test.ts › by %s in %s is what the wire says",
      "otlp.test.ts › may be packed, and in protobuf",
    ],
  },
  {
    asked: "One call that log, export and endpoint saw is counted once, the endpoint wins",
    shownBy: [
      "gateway/usage.test.ts › is counted once, in whatever order they come",
      "gateway/usage.test.ts › sums are those of the calls that stand",
      "servers/glm46.test.ts › is started from the registry",
      "models/joining.test.ts › seen by the endpoint and exported, is one row",
      "models/joining.test.ts › of Gemini CLI is one row too",
    ],
  },
  {
    asked: "Exports are answered at once, and none is lost",
    shownBy: ["otlp.test.ts › is answered at once, whatever keeps the database from taking it"],
  },
  {
    asked: "Clients are set up for endpoint and telemetry, with prompts off",
    shownBy: [
      "cli.test.ts › up for the console's models and telemetry, without its token and without prompts",
    ],
  },
  {
    asked:
      "The metering endpoint: transparent, metered on every route or refused, streams, caches, tiers, attempts",
    shownBy: [
      "models/endpoint.test.ts › is answered as the provider does, and metered",
      "models/endpoint.test.ts › is refused where it cannot be metered",
      "models/endpoint.test.ts › without usage asked for",
      "models/endpoint.test.ts › whose stream breaks off is partial",
      "models/endpoint.test.ts › ends with its caller",
      "models/endpoint.test.ts › has a row for each attempt",
      "models/endpoint.test.ts › is tied to the attempt before it",
      "models/endpoint.test.ts › in the background is charged once",
    ],
  },
  {
    asked:
      "Run tokens: calls, tools and exports counted for run, phase, pull request and sprint, and nothing else",
    shownBy: [
      "models/run-tokens.test.ts › has calls of models and tools, and exports of usage, counted",
      "models/run-tokens.test.ts › says nothing of calls of other runs",
      "models/run-tokens.test.ts › opens nothing else",
      "models/run-tokens.test.ts › ends at once by whoever made it",
    ],
  },
  {
    asked:
      "Budgets refuse before the call, for 64 parallel calls and several nodes, and a crash leaks nothing",
    shownBy: [
      "budgets.test.ts › lets 64 parallel calls through while anything is left",
      "budgets.test.ts › spend one budget together",
      "budgets.test.ts › counts what the ledger counts",
      "budgets.test.ts › are days, weeks and months of the zone",
      "models/endpoint.test.ts › is refused with 402 before it is sent",
      "models/endpoint.test.ts › is refused where the manifest of its agent holds a budget",
    ],
  },
  {
    asked: "A run that hits its budget pauses and asks: raise, re-route, stop",
    shownBy: [
      "models/run-pauses.test.ts › pauses, once, and goes on with what an approver lets it spend",
      "models/run-pauses.test.ts › asks another model where it is re-routed",
      "models/run-pauses.test.ts › is over at once where it is stopped",
      "models/run-pauses.test.ts › has what it was let spend for itself alone",
      "models/run-pauses.test.ts › may spend no more than it was let",
      "models/run-pauses.test.ts › does the same on PostgreSQL",
      "web/costs.test.ts › has a paused run decided on by an approver",
    ],
  },
  {
    asked: "Prices are those of the time of a call; a new price table is a plan, and rows name theirs",
    shownBy: [
      "reprice.test.ts › are those of their time, until somebody asks",
      "reprice.test.ts › come from another table only once a plan names it",
    ],
  },
  {
    asked: "Reports by any group, in any time zone, with what is missing",
    shownBy: [
      "costs.test.ts › sums, compares with the window before",
      "costs.test.ts › is the sum of the calls themselves, in every zone",
    ],
  },
  {
    asked:
      "What passes the endpoint: no redirect, key, ambiguous request, other model, or answer of somebody else",
    shownBy: [
      "models/passing.test.ts › is no redirect",
      "models/passing.test.ts › never shows the key that a provider repeats",
      "models/passing.test.ts › is nothing that two readers read in two ways",
      "models/passing.test.ts › are answers that a provider keeps, for whoever asked for them",
      "models/passing.test.ts › streams on as it comes, however events are cut into pieces",
    ],
  },
  {
    asked:
      "The console's own model client: routes by phase, limits, fallback, one repair turn, proposals only",
    shownBy: [
      "models/client.test.ts › understands what the rules do not, as a plan like any other",
      "models/client.test.ts › is sent back once what is not of the shape asked for",
      "models/client.test.ts › asks the next model where one does not answer",
      "models/client.test.ts › is held to the limits of its route",
      "models/client.test.ts › answers as before, and says nothing of one",
    ],
  },
  {
    asked:
      "The page Custos: budgets first, the chart's table equal to `ciclo usage --json`, exports as shown",
    shownBy: [
      "web/costs.test.ts › shows what `ciclo usage --json` says",
      "web/costs.test.ts › leads with the budgets",
      "web/costs.test.ts › is exported as it is shown",
      "focus.test.ts › keep each column's rules, and come to the sum of the report",
    ],
  },
  {
    asked: "Prometheus and OpenTelemetry, with the GenAI names, alerts and promtool",
    shownBy: [
      "telemetry.test.ts › are what Prometheus reads",
      "telemetry.test.ts › have examples of alerts that Prometheus takes",
      "telemetry.test.ts › are spans and metrics with the names of OpenTelemetry",
      "telemetry.test.ts › is a span for each step that a change took out of the queue",
    ],
  },
  {
    asked: "Reconciliation with a provider's invoice: differences by model, and the known reasons",
    shownBy: [
      "reconcile.test.ts › agrees where it says the same, and says by model what may explain the rest",
      "reconcile.test.ts › is refused with what is wrong",
      "web/costs.test.ts › lays an invoice beside the ledger",
    ],
  },
  {
    asked: "Thresholds notify: audit event, outbound webhook, Slack-compatible",
    shownBy: [
      "budgets.test.ts › of each person counts for whoever only reports calls",
      "notify.test.ts › are told once of what they asked for",
      "notify.test.ts › that do not answer are told later",
    ],
  },
  {
    asked: "Calls get the prices that hold now where somebody asks for it, on record",
    shownBy: [
      "reprice.test.ts › change by a plan, from the change on",
      "reprice.test.ts › are those of their time, until somebody asks for today's",
      "reprice.test.ts › that are changed for all leave no call without the one it had",
    ],
  },
];
