/** Delivery cycles, and the tests that show each line; see `requirements.ts`. */
export const cycles: readonly { asked: string; shownBy: readonly string[] }[] = [
  {
    asked:
      "From an issue to the branch: analysis, plan, an agent over ACP, documents, gates, merge; cost by phase",
    shownBy: [
      "cycles/cycle.test.ts › comes from an issue to a change on the branch",
      "cycles/demo.test.ts › the replay of a cycle ends with a merge whose manifest holds",
      "web/cycles.test.ts › goes from an issue to the branch",
    ],
  },
  {
    asked:
      "Hermetic: `ciclo cycle demo` replays a whole cycle with a real agent, without key or network, labelled everywhere",
    shownBy: [
      "cycles/demo.test.ts › the replay of a cycle ends with a merge whose manifest holds",
      "cycles/demo.test.ts › the replay tells its story",
      "cycles/demo.test.ts › the replay can be watched in the browser",
      "docs.test.ts › does what it says",
    ],
  },
  {
    asked: "Recordings of each gate, as asciicast, played on the page; what each part of the work cost",
    shownBy: [
      "cycles/demo.test.ts › the replay of a cycle ends with a merge whose manifest holds",
      "web/cycles.test.ts › goes from an issue to the branch",
    ],
  },
  {
    asked: "Intake: a text, a file, or the address of an issue on GitHub or GitLab",
    shownBy: [
      "cycles/intake.test.ts › at %s is read, and says where it is from",
      "cycles/intake.test.ts › at %s that cannot be taken is refused",
      "cycles/intake.test.ts › takes the console's token to",
      "cycles/intake.test.ts › begins, with the repository found by its name and the issue by its number",
      "cycles/intake.test.ts › does not begin where it is not clear, or not asked for",
      "cycles/intake.test.ts › begins for nobody who may not start one",
    ],
  },
  {
    asked: "Permission requests of the agent, answered by policy or asked of a person",
    shownBy: [
      "cycles/escapes.test.ts › asks for permission, and gets the narrowest, or none, by policy",
      "cycles/escapes.test.ts › asks a person where policy says so, and waits for the answer",
      "cycles/escapes.test.ts › is refused what nobody answers in time",
    ],
  },
  {
    asked: "Business artefacts attached to the issue: text, Markdown, PDF, DOCX, pictures",
    shownBy: [
      "cycles/attachments.test.ts › is read for the analyst: text, Markdown, PDF, DOCX and pictures",
      "cycles/attachments.test.ts › is refused where it is",
      "cycles/attachments.test.ts › is a file by its ending",
    ],
  },
  {
    asked:
      "A pull request on GitHub or GitLab with the manifest attached, merged only as it was approved; otherwise a branch",
    shownBy: [
      "cycles/pull-requests.test.ts › is merged by a pull request, once it was approved, with the manifest attached",
      "cycles/pull-requests.test.ts › is there for reviewers where policy says so",
      "cycles/pull-requests.test.ts › waits for the forge's checks",
      "cycles/pull-requests.test.ts › takes no word of the forge for what was approved here",
      "cycles/crash.test.ts › is carried on where it stood, whenever the console is killed",
    ],
  },
  {
    asked: "README, changelog and decision record as a reviewable diff",
    shownBy: ["cycles/cycle.test.ts › brings the documents of the project along"],
  },
  {
    asked: "States tell apart what is capped, partly done, and waiting for a person",
    shownBy: [
      "cycles/escapes.test.ts › leaves it done: the cycle says so, and goes on with the rest",
      "cycles/escapes.test.ts › leaves it done where its budget is used up, too",
    ],
  },
  {
    asked: "Traces, videos and screenshots of tests in a browser, before the change and after it",
    shownBy: [
      "web/captures.test.ts › show how it looked, before the change and after it",
      "cycles/runners.test.ts › is read test by test, with files, why each failed, and what each left",
    ],
  },
  {
    asked: "What is kept of a cycle, and for how long",
    shownBy: ["cycles/retention.test.ts › what policy need not keep of a cycle goes"],
  },
  {
    asked: "Conventional Commits on the branch, by commitlint, whatever an agent writes",
    shownBy: [
      "cycles/cycle.test.ts › has Conventional Commits alone on its branch",
      "../src/features/cycles/conventional.test.ts › whatever an agent writes, commitlint accepts what becomes of it",
    ],
  },
  {
    asked: "Rollback of a merged cycle, as for a change",
    shownBy: [
      "cycles/pull-requests.test.ts › is taken back by another pull request",
      "cycles/pull-requests.test.ts › is taken back, and what came later stays",
      "cycles/pull-requests.test.ts › stays where later changes touch the same lines",
      "cycles/pull-requests.test.ts › is taken back by as many as have to approve",
    ],
  },
  {
    asked: "Coverage and mutants of the changed lines; promises of them; not measured is no figure",
    shownBy: [
      "cycles/measures.test.ts › the gates say which changed lines ran",
      "cycles/measures.test.ts › what a plan promises of %s goes back to the agent",
      "cycles/measures.test.ts › what cannot be measured is said to be so",
    ],
  },
  {
    asked:
      "Set-up reaches the hosts that repository and policy name, and nothing else of a cycle has a network",
    shownBy: [
      "cycles/set-up.test.ts › installs packages from hosts that repository and policy name",
      "cycles/set-up.test.ts › reaches nothing that is not named by",
      "cycles/set-up.test.ts › is the only gate with a way out",
    ],
  },
  {
    asked: "Code that nobody here wrote: ten published packages with seeded faults; results for leaderboards",
    shownBy: [
      "cycles/packages.test.ts › ten published packages, each with a seeded fault",
      "cycles/packages.test.ts › the same packages with an agent that only says that it mended them",
    ],
  },
  {
    asked:
      "Typed artefacts whose checks go beyond their schema, in the branch and readable without the console",
    shownBy: ["cycles/cycle.test.ts › comes from an issue to a change on the branch"],
  },
  {
    asked: "Durable: restart and SIGKILL anywhere, halt, resume, end, on SQLite and PostgreSQL",
    shownBy: [
      "cycles/crash.test.ts › is carried on where it stood",
      "cycles/database-away.test.ts › goes on by itself where its database went away",
      "cycles/people.test.ts › halt a cycle, let it go on, and end it",
      "cycles/people.test.ts › decide on exactly what they saw",
    ],
  },
  {
    asked:
      "Checkpoints: approve, reject, send back; bound to hashes; whoever asked does not decide; questions",
    shownBy: [
      "cycles/people.test.ts › decide on exactly what they saw",
      "cycles/people.test.ts › send a plan back with a comment",
      "cycles/people.test.ts › answer open questions before planning goes on",
    ],
  },
  {
    asked: "The agent is in a sandbox with no way out but the door, and leaves nothing behind",
    shownBy: [
      "cycles/escapes.test.ts › does not reach the console's home",
      "cycles/escapes.test.ts › leaves no process behind",
      "cycles/escapes.test.ts › asks for permission",
      "cycles/checkout.test.ts › has a repository of its own",
    ],
  },
  {
    asked: "Gates: red before, green now, lost, weakened and flaky tests, in checkouts of the console's own",
    shownBy: [
      "cycles/escapes.test.ts › gets nothing past the gates",
      "cycles/escapes.test.ts › is told what is wrong, and tries again",
      "cycles/strangers.test.ts › is none",
      "cycles/tests-gate.test.ts › show that a change mends what it is for",
    ],
  },
  {
    asked: "A signed manifest, from requirement to cost, that a stranger checks offline",
    shownBy: ["cycles/manifest.test.ts › ends with a manifest that a stranger checks"],
  },
  {
    asked: "Budgets hold for an agent, and the cycle says where one is raised",
    shownBy: ["cycles/escapes.test.ts › spends no more than its budget"],
  },
  {
    asked: "The target branch may move, be checked out, or have changed the same lines",
    shownBy: [
      "cycles/escapes.test.ts › may move meanwhile",
      "cycles/strangers.test.ts › loses nothing that came to the branch meanwhile",
      "cycles/strangers.test.ts › runs no hook that the agent wrote",
      "cycles/escapes.test.ts › may have changed the same lines",
      "cycles/escapes.test.ts › is left alone where its work tree has changes",
    ],
  },
  {
    asked: "Bad input: a clear message and the next step",
    shownBy: [
      "cycles/people.test.ts › is refused where it cannot be done",
      "cycles/escapes.test.ts › is a person's to look at first",
    ],
  },
];
