/** Of crash, time and load; part of `requirements.ts`. */
export const reliability: readonly { asked: string; shownBy: readonly string[] }[] = [
  {
    asked: "Background work: one pass at a time, outside requests and locks, retried, waited for",
    shownBy: [
      "background.test.ts › leaves audit entries without the request",
      "background.test.ts › begins a canary that breaks off again",
      "background.test.ts › judges a server that replaces another",
      "background.test.ts › ends the process that a handshake was starting",
      "background.test.ts › does not quarantine a server whose key cannot be read just now",
    ],
  },
  {
    asked: "The process group is killed at random moments: nothing lost, doubled, stuck or left",
    shownBy: ["campaigns/kill.test.ts › nothing acknowledged is lost, nothing is done twice, nothing stays"],
  },
  {
    asked: "PostgreSQL restarts and dies under three nodes: none ends, 503 meanwhile, back at once",
    shownBy: ["campaigns/postgres.test.ts › no process ends, nothing acknowledged is lost"],
  },
  {
    asked: "A killed git's locks: removed where they are ours and no git lives, named where they are not",
    shownBy: [
      "git-crash.test.ts › leaves a lock that the next landing removes",
      "git-crash.test.ts › is not mistaken for one that lives",
      "git-crash.test.ts › keeps a lock that somebody's git left",
      "git-crash.test.ts › is never taken for a first start",
      "git-crash.test.ts › drops the throw-away commits of plans",
    ],
  },
  {
    asked: "SQLite held, full or read-only; one console per data folder",
    shownBy: [
      "database.test.ts › held for long is said as 503 with Retry-After",
      "database.test.ts › whose disk is full says so",
      "database.test.ts › is one console's",
    ],
  },
  {
    asked: "Retention by policy; totals kept; budgets read totals",
    shownBy: [
      "retention.test.ts › lets go of what the policy says",
      "retention.test.ts › deletes nothing while its policy %s, and health says so",
      "budgets.test.ts › begins with what the ledger knows, also of calls from before",
    ],
  },
  {
    asked: "Usage is written once, whatever clients say of themselves, and counts while it cannot be",
    shownBy: [
      "gateway/usage.test.ts › come back as they were recorded",
      "gateway/usage.test.ts › are written once, also where a commit was done",
      "budgets.test.ts › counts what calls cost also while nothing can be written",
    ],
  },
  {
    asked: "Health names servers, keys, files and workers in trouble",
    shownBy: [
      "status.test.ts › names servers that are away or withhold tools",
      "status.test.ts › name background work that keeps failing",
    ],
  },
];
