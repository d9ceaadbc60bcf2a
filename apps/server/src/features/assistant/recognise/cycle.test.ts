import { describe, expect, it } from "vitest";
import type { CycleWish } from "../../../domain/cycle-wish.ts";
import { cycleAsked } from "./cycle.ts";

const wants = (more: Partial<CycleWish>): CycleWish => ({
  issue: null,
  repository: null,
  branch: null,
  ...more,
});

describe("a wish for a delivery cycle", () => {
  it.each<[string, CycleWish]>([
    [
      "inicie um ciclo para a issue 12 do repositório agents-hub",
      wants({ issue: { number: 12 }, repository: "agents-hub" }),
    ],
    [
      "Start a cycle for issue 12 of the agents-hub repository",
      wants({ issue: { number: 12 }, repository: "agents-hub" }),
    ],
    [
      "por favor, inicie um novo ciclo de entrega para a issue #7 do acme/shop",
      wants({ issue: { number: 7 }, repository: "acme/shop" }),
    ],
    [
      "could you start a delivery cycle for #12 in the repository agents-hub?",
      wants({ issue: { number: 12 }, repository: "agents-hub" }),
    ],
    [
      "start a cycle for https://github.com/acme/shop/issues/12",
      wants({
        issue: { address: "https://github.com/acme/shop/issues/12" },
        repository: "https://github.com/acme/shop",
      }),
    ],
    [
      "abra um ciclo para https://git.corp/acme/team/shop/-/issues/3 na branch release/1.2",
      wants({
        issue: { address: "https://git.corp/acme/team/shop/-/issues/3" },
        repository: "https://git.corp/acme/team/shop",
        branch: "release/1.2",
      }),
    ],
    [
      "comece um ciclo no repositório /srv/git/shop.git: as somas estão erradas, sum(2, 2) é 0",
      wants({ issue: { words: "as somas estão erradas, sum(2, 2) é 0" }, repository: "/srv/git/shop.git" }),
    ],
    [
      "run a cycle on git@github.com:acme/shop.git for issue 3",
      wants({ issue: { number: 3 }, repository: "git@github.com:acme/shop.git" }),
    ],
    [
      "para a issue 12 do agents-hub, inicie um ciclo",
      wants({ issue: { number: 12 }, repository: "agents-hub" }),
    ],
    ["inicie um ciclo", wants({})],
    ["start a cycle for the repository agents-hub", wants({ repository: "agents-hub" })],
  ])("%s", (message, asked) => {
    expect(cycleAsked(message)).toEqual(asked);
  });

  it.each([
    "como inicio um ciclo para a issue 12?",
    "how do I start a cycle for issue 12 of agents-hub",
    "não inicie um ciclo para a issue 12 do agents-hub",
    "don't start a cycle for issue 12 of agents-hub",
    "ontem iniciei um ciclo para a issue 12",
    "start a cycle for issue 12 of agents-hub — no, never mind",
    "start a cycle for issue 12 of agents-hub only if the build is green",
    "what does a cycle for issue 12 cost?",
    '"start a cycle for issue 12" was the title of the ticket',
    "a cycle for issue 12 would be nice",
    "adicione o agente ciclo do repositório agents-hub",
  ])("is none in: %s", (message) => {
    expect(cycleAsked(message)).toBeNull();
  });
});
