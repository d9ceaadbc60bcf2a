/** Of what nobody can do: run, read, decide or keep on reading; part of `requirements.ts`. */
export const doors: readonly { asked: string; shownBy: readonly string[] }[] = [
  {
    asked:
      "Nothing of a planner's runs before approval but what one entry allows, on record, bounded, without a key",
    shownBy: [
      "doors/planner.test.ts › are refused in",
      "doors/planner.test.ts › is not started where its entry says after_approval",
      "doors/planner.test.ts › is on record before it starts",
      "doors/planner.test.ts › takes its turn",
      "doors/planner.test.ts › holds no stored key",
    ],
  },
  {
    asked:
      "stdio servers see neither the data folder nor the console's memory; the host's proxy and CA reach them by a setting",
    shownBy: [
      "doors/server.test.ts › does not see the data folder",
      "doors/server.test.ts › sees no process but its own",
      "doors/server.test.ts › health says so, and what to install",
      "doors/server.test.ts › is nothing of its environment but what the operator passes on",
      "doors/server.test.ts › is the Node that the operator names",
    ],
  },
  {
    asked:
      "A key goes only where it was approved to go; moves are high risks; credentials in plain are refused on every way in",
    shownBy: [
      "doors/planner.test.ts › says so as a high risk",
      "doors/planner.test.ts › is refused in arguments",
      "doors/planner.test.ts › is refused in an address",
      "doors/server.test.ts › in variables and arguments, whatever is in it",
      "web/doors.test.ts › where a key goes",
    ],
  },
  {
    asked: "Access ends at once, and binds every method, resource, prompt and event id",
    shownBy: [
      "doors/caller.test.ts › ends once who follows it",
      "doors/caller.test.ts › ends when a command beside the console",
      "doors/caller.test.ts › refuses what none names",
      "doors/caller.test.ts › refuses methods that the gateway knows nothing of",
      "doors/caller.test.ts › takes up no stream but their own",
      "doors/caller.test.ts › is one that all share, unless each is to have their own",
    ],
  },
  {
    asked: "Cookies, hosts, origins and bodies of strangers",
    shownBy: [
      "doors/stranger.test.ts › goes over https only",
      "doors/stranger.test.ts › neither signs anybody in nor uses a session",
      "doors/stranger.test.ts › is refused at",
      "doors/stranger.test.ts › is bounded in all",
    ],
  },
  {
    asked: "Revocation wins; keys of a plan are stored when it is submitted; placeholders are no keys",
    shownBy: [
      "doors/keys.test.ts › against rotations that begin at the same moment",
      "doors/keys.test.ts › keeps one value in use at most",
      "doors/keys.test.ts › is stored when that is submitted",
      "doors/keys.test.ts › is never one",
    ],
  },
  {
    asked:
      "A rollback asks for today's votes; authors withdraw; the author is who is signed in; impossible votes are reported",
    shownBy: [
      "doors/approver.test.ts › waits for the second",
      "doors/approver.test.ts › withdraws their own change",
      "doors/approver.test.ts › is who is signed in",
      "doors/approver.test.ts › says why",
      "doors/approver.test.ts › show when the rule is planned",
      "doors/approver.test.ts › says so: %s",
      "web/doors.test.ts › a tool's changed description",
    ],
  },
  {
    asked: "What cannot be read lets nothing through, and nothing is written over it",
    shownBy: [
      "doors/mistake.test.ts › lets nothing through, and health and page say why",
      "doors/mistake.test.ts › is not written over by a plan",
      "retention.test.ts › deletes nothing, and health says that it is not in use",
    ],
  },
  {
    asked: "A force-pushed live branch is noticed, and the changes that left it are said",
    shownBy: [
      "doors/rewritten.test.ts › is noticed once, and what it lost",
      "doors/rewritten.test.ts › brings nothing else back",
      "doors/rewritten.test.ts › that loses a rollback holds its change again",
      "doors/rewritten.test.ts › is noticed by the console itself",
      "web/doors.test.ts › that the live branch lost a change",
    ],
  },
  {
    asked: "Every line of GET /health that can be red was red in a test",
    shownBy: [
      "database.test.ts › its disk is full",
      "status.test.ts › of %d MB is %s in health",
      "status.test.ts › are down when the approval policy cannot be used, and when the repository is gone",
      "doors/rewritten.test.ts › is noticed once, and what it lost",
      "status.test.ts › name the file that a push by hand broke",
      "doors/approver.test.ts › show when the rule is planned",
      "status.test.ts › names servers that are away or withhold tools, keys that end or failed",
      "doors/server.test.ts › health says so, and what to install",
      "status.test.ts › name background work that keeps failing",
      "status.test.ts › are down when the audit log was altered or cut off",
    ],
  },
  {
    asked: "Errors of servers are masked, and no trickle of bytes outlives call_ms",
    shownBy: [
      "doors/server.test.ts › has the key masked in",
      "doors/server.test.ts › is given up after call_ms",
      "doors/server.test.ts › is given up after ten times call_ms where it only tells of progress",
    ],
  },
  {
    asked: "The chat plans what was meant, names what it left, keeps no credential, and is nobody else's",
    shownBy: [
      "doors/chat.test.ts › never plans the share itself",
      "doors/chat.test.ts › never plans: %s",
      "doors/chat.test.ts › plans the first and names the second",
      "doors/chat.test.ts › is kept nowhere",
      "doors/chat.test.ts › is nobody else's to plan",
    ],
  },
];
