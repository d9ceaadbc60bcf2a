import { describe, expect, it } from "vitest";
import type { CycleWish } from "../../../domain/cycle-wish.ts";
import { cycleAsked } from "./cycle.ts";

const wants = (more: Partial<CycleWish>): CycleWish => ({
  issue: null,
  repository: null,
  branch: null,
  ...more,
});

const both = wants({ issue: { number: 12 }, repository: "agents-hub" });

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
    ["I'd like you to start a cycle for issue 12 of agents-hub", both],
    ["Go ahead and start a cycle for issue 12 of agents-hub, please!", both],
    ["Ciclo, start a cycle for issue 12 of agents-hub", both],
    ["With issue 12 of agents-hub, start a cycle", both],
    ["Trigger a cycle for issue number 12 of agents-hub", both],
    ["Dispara um ciclo para a issue 12 do agents-hub", both],
    ["Faça um ciclo de entrega para o chamado 12 do agents-hub", both],
    ["Oi, tudo bem? Inicie um ciclo para a issue 12 do agents-hub", both],
    ["Favor iniciar ciclo para a issue 12 do agents-hub", both],
    ["Run a cycle for agents-hub issue 12", both],
    ["start a cycle for agents-hub#12", both],
    [
      "Start a cycle in /srv/shop.git: the total should be 0 if the cart is empty, see #9",
      wants({
        issue: { words: "the total should be 0 if the cart is empty, see #9" },
        repository: "/srv/shop.git",
      }),
    ],
    [
      'Start a cycle in the repository shop:\n\nusers report: "cancel that order" does nothing?',
      wants({ issue: { words: 'users report: "cancel that order" does nothing?' }, repository: "shop" }),
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
    "De jeito nenhum, inicie um ciclo no repositório /srv/shop: a soma está errada",
    "In no case, start a cycle in the repository /srv/shop: sums are wrong",
    "Inicie um ciclo em /srv/shop quando a Ana aprovar: a soma está errada",
    "Inicie um ciclo em /srv/shop se os testes passarem: a soma está errada",
    "Start a cycle in /srv/shop tomorrow at 9: sums are wrong",
    "In case the build breaks, start a cycle in /srv/shop: sums are wrong",
    "Inicie um ciclo em /srv/shop: a soma está errada. Na verdade não, deixa",
    "Can you start a cycle in /srv/shop: or does it need approval?",
    "Create a cycle policy for the repository /srv/shop: two approvals please",
    "Cria um ciclo de vida no repositório /srv/shop: desenvolvimento, homologação, produção",
    "Open the cycle of /srv/shop: sums are wrong",
    "start a cycle for issue 12 of agents-hub when John approves",
    "start a cycle for issue 12 of agents-hub tomorrow at 9",
    "inicie um ciclo para a issue 12 do agents-hub amanhã",
    "inicie um ciclo para a issue 12 do agents-hub, mas só depois da issue 11",
    "Start a cycle every day for issue 12 of agents-hub",
    "On approval of Ana, start a cycle for issue 12 of agents-hub",
    "From tomorrow, start a cycle for issue 12 of agents-hub",
    "Na hipótese de aprovação, inicie um ciclo para a issue 12 do agents-hub",
    "For nobody, start a cycle for issue 12 of agents-hub",
    "Inicie um ciclo para a issue 12 do agents-hub? Não!",
    "Inicie um ciclo para a issue 12 do agents-hub não é o que eu quero",
    "Start a cycle for issue 12 of agents-hub, he said",
    "Start a cycle was the command I ran on issue 12 of agents-hub yesterday",
    "In the past, start a cycle for issue 12 of agents-hub worked",
    "Start a cycle for issue 12 of agents-hub\nis the sentence I should translate",
    "Iniciar um ciclo para a issue 12 do agents-hub é perigoso",
    "Can you start a cycle for issue 12 of agents-hub or does it need approval?",
    "Open the cycle for issue 12 of agents-hub",
    "Abre o ciclo da issue 12 do agents-hub",
    "Create a cycle report for issue 12 of agents-hub",
    "Start a cycle time chart for issue 12 of agents-hub",
    "Start two cycles for issue 12 and issue 13 of agents-hub",
    "Run the cycle sums-are-wrong-k7f3m2 again from execute",
    "Roda o ciclo 12 de novo",
    "Abre um ciclo vicioso",
    "Você pode iniciar um ciclo sem aprovação?",
    "Inicie um ciclo... não, espere",
    "adicione o agente ciclo do repositório agents-hub",
  ])("is none in: %s", (message) => {
    expect(cycleAsked(message)).toBeNull();
  });
});
