import type { RunToken } from "@ciclo/contract";
import { connect } from "./client.ts";
import { type Command, command, option, required } from "./command.ts";

const line = ({ id, run, phase, pull_request, sprint, agent, user, expires_at }: RunToken): string =>
  [
    id,
    run,
    ...[phase, pull_request, sprint, agent].flatMap((said) => said ?? []),
    user.name,
    `until ${expires_at}`,
  ].join("  ");

export const runTokenCommands: Command[] = [
  command({
    name: "run-token create",
    usage:
      "ciclo run-token create --run R [--phase P] [--pull-request PR] [--sprint S] [--agent A] [--expires-at TIME]",
    summary:
      "A token that calls models and tools for a run, as you, and can do nothing else. Its calls are counted for what you name. It lives an hour, or until the time you give, at most 24 hours; it ends with your own token.",
    examples: [
      "ciclo run-token create --run ci-4711 --phase review --pull-request example/hub#12",
      "export CICLO_TOKEN=$(ciclo run-token create --run nightly --json | node -p 'JSON.parse(fs.readFileSync(0)).token')",
    ],
    options: Object.fromEntries(
      ["run", "phase", "pull-request", "sprint", "agent", "expires-at"].map((name) => [
        name,
        { type: "string" as const },
      ]),
    ),
    takes: { min: 0, max: 0 },
    run({ values }) {
      const said = Object.fromEntries(
        ["phase", "pull-request", "sprint", "agent", "expires-at"].flatMap((name) => {
          const value = option(values, name);
          return value === undefined ? [] : [[name.replaceAll("-", "_"), value]];
        }),
      );
      return connect().call("createRunToken", { body: { run: required(values, "run"), ...said } });
    },
    show: (made) => [line(made), `Token, shown this once: ${made.token}`],
  }),
  command({
    name: "run-token list",
    usage: "ciclo run-token list",
    summary: "Your live tokens of runs, and everybody's for an admin.",
    examples: ["ciclo run-token list"],
    takes: { min: 0, max: 0 },
    run: () => connect().call("listRunTokens"),
    show: ({ items }) => (items.length === 0 ? ["No live tokens of runs"] : items.map(line)),
  }),
  command({
    name: "run-token end",
    usage: "ciclo run-token end ID",
    summary: "End a run's token at once: your own, or anybody's as an admin.",
    examples: ["ciclo run-token end 0f8fad5b-d9cb-469f-a165-70867728950e"],
    takes: { min: 1, max: 1 },
    run: ({ positionals: [id = ""] }) => connect().call("endRunToken", { params: { id } }),
    show: (ended) => [`Ended: ${line(ended)}`],
  }),
];
