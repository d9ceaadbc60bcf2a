import type { Database, Queries } from "../../db/dialect.ts";
import type { CallSubject, Cost, MeteredCall, UsageSource } from "../../domain/usage.ts";
import { type Entry, merge, namesOf, subjectText } from "./entry.ts";
import * as store from "./ledger-store.ts";
import { Rollups } from "./rollups.ts";

/** A row that adds to sums, or takes its part away again. */
export type Change = Entry & { sign: 1 | -1 };

/** What came of calls that were written: new ones, better words on known ones, and those that add nothing. */
export type Written = { added: number; replaced: number; repeated: number };

/** Ids of subjects that are in the database for good. */
export class KnownSubjects {
  #byText = new Map<string, number>();
  /** Calls share their subjects: most are found without being written out. */
  #byObject = new WeakMap<CallSubject, number>();
  readonly #most = 50_000;

  get(subject: CallSubject): number | undefined {
    return this.#byObject.get(subject);
  }

  find(said: string): number | undefined {
    return this.#byText.get(said);
  }

  keep(subject: CallSubject, said: string, id: number): void {
    if (this.#byText.size >= this.#most) this.#byText.clear();
    this.#byText.set(said, id);
    this.#byObject.set(subject, id);
  }
}

type Writing = {
  queries: Queries;
  kind: Database["kind"];
  subjects: KnownSubjects;
  /** What a call costs that two sources know only together: one says whom it asked, the other which model. */
  price(call: MeteredCall): Cost;
};

/**
 * Writes calls, each once, with what they add to the sums of their hour and day. A call that is known already is
 * completed where the new word is better, and left alone where it adds nothing. To be run in a transaction; `committed` is
 * to be called when that has been done.
 */
export async function writeEntries(
  writing: Writing,
  entries: readonly Entry[],
): Promise<Written & { changes: Change[]; committed(): void }> {
  const { queries, kind } = writing;
  const calls = new Calls();
  await calls.load(queries, kind, entries);
  for (const entry of entries) calls.add(entry);
  const { fresh, better } = calls.sorted();
  for (const call of better) {
    const { entry } = call;
    if (entry.cost.source === "unpriced") call.entry = { ...entry, cost: writing.price(entry.call) };
  }
  const ids = await subjectsOf(
    writing,
    [...fresh, ...better].map(({ entry }) => entry),
  );
  const placed = ({ entry }: Call): store.Placed => ({
    entry,
    subjectId: ids.of(entry.call.subject),
  });
  const rollups = new Rollups();
  await store.insertEntries(queries, kind, fresh.map(placed));
  for (const call of better) await replace(writing, rollups, call.before, placed(call));
  for (const { entry } of [...fresh, ...better]) rollups.add(entry, ids.of(entry.call.subject));
  await store.insertAliases(queries, calls.aliases());
  await store.addRollups(queries, rollups);
  return {
    added: fresh.length,
    replaced: better.length,
    repeated: entries.length - fresh.length - better.length,
    changes: [
      ...better.flatMap(({ before }) => before.map((old): Change => ({ ...old, sign: -1 }))),
      ...[...fresh, ...better].map(({ entry: { call, cost } }): Change => ({ call, cost, sign: 1 })),
    ],
    committed: ids.keep,
  };
}

/** Puts a better word in the place of calls as they stand: those stay, marked. */
async function replace(
  { queries, kind }: Writing,
  rollups: Rollups,
  before: readonly store.StoredEntry[],
  now: store.Placed,
): Promise<void> {
  await store.stepAside(queries, before);
  await store.insertEntries(queries, kind, [now]);
  await store.markReplaced(queries, before, now.entry.call.key);
  for (const old of before) rollups.add(old, old.subjectId, -1);
}

/** Gives calls other prices. To be run in a transaction. Returns how sums change. */
export async function writeCosts(
  writing: Writing,
  priced: readonly { before: store.StoredEntry; cost: Entry["cost"] }[],
): Promise<Change[]> {
  const rollups = new Rollups();
  const changes: Change[] = [];
  for (const { before, cost } of priced) {
    const { call, subjectId } = before;
    const now: Entry = { call, cost };
    await replace(writing, rollups, [before], { entry: now, subjectId });
    rollups.add(now, subjectId);
    changes.push({ ...before, sign: -1 }, { ...now, sign: 1 });
  }
  await store.addRollups(writing.queries, rollups);
  return changes;
}

/** One call: what is known of it, where that stands in the ledger already, and all its names. */
type Call = { entry: Entry; before: store.StoredEntry[]; names: string[] };

/**
 * Whether a call that shares a name is this one. Of one source it is so only where it has this very key: there are servers
 * that give the same id to many answers.
 */
function isSame({ entry: { call }, names }: Call, { call: now }: Entry): boolean {
  if (now.settles === true || names.includes(now.key)) return true;
  const [a, b] = [call.subject, now.subject];
  // What one server writes, or one person or run sends, says nothing of another's calls.
  const differs = (one: string | null, other: string | null): boolean =>
    one !== null && other !== null && one !== other;
  const isOfOthers = differs(a.server, b.server) || differs(a.actorId, b.actorId) || differs(a.run, b.run);
  return !isOfOthers && !sawBoth(a.source, b.source);
}

/** Whether two calls with names of their own, of these sources, are two calls: one source sees each once, and so do the wires. */
const sawBoth = (a: UsageSource, b: UsageSource): boolean => a === b || (isWire(a) && isWire(b));
const isWire = (source: UsageSource): boolean => source === "endpoint" || source === "gateway";

/** Of calls that share names with one report, the first, and those that can be the same as it. */
function oneOf(known: readonly Call[]): Call[] {
  const one: Call[] = [];
  for (const call of known) {
    const isOther = one.some(({ entry }) =>
      sawBoth(entry.call.subject.source, call.entry.call.subject.source),
    );
    if (!isOther) one.push(call);
  }
  return one;
}

/** Most calls are new: nothing is made to say that nothing is known of them. */
const none: readonly Call[] = [];

const isLikeness = (name: string): boolean => name.startsWith("like:");

/**
 * Calls that are equal in all that is known of them are numbered: a name by likeness has forms. Which sources have told of the
 * call of a form is known by a claim each, so that in whatever order sources tell, there are as many calls as the source
 * that saw most of them saw.
 */
const formOf = (name: string, number: number): string => (number === 1 ? name : `${name}#${number}`);
const claimOf = (form: string, source: UsageSource): string => `${form}@${source}`;
/** Beyond this many they are one. */
const mostAlike = 5000;
/** How many forms of a name are read at first; twice as many each time that all of them are there. */
const formsAtFirst = 4;

/** Calls of a batch, with those of the ledger that they name: whatever shares a name is one call. */
class Calls {
  readonly #byName = new Map<string, Call>();
  readonly #calls = new Set<Call>();
  readonly #keys = new Map<string, string>();

  /** The highest number that a name by likeness has. */
  readonly #numbers = new Map<string, number>();

  /** Reads what the ledger knows of the names of entries. */
  async load(queries: Queries, kind: Database["kind"], entries: readonly Entry[]): Promise<void> {
    const names: string[] = [];
    const alike = new Map<string, Set<UsageSource>>();
    for (const entry of entries)
      for (const name of namesOf(entry)) {
        if (!isLikeness(name)) names.push(name);
        else {
          const sources = alike.get(name) ?? new Set();
          alike.set(name, sources.add(entry.call.subject.source));
        }
      }
    let asked = [...alike];
    for (
      let [from, count] = [1, formsAtFirst];
      from <= mostAlike;
      [from, count] = [from + count, 2 * count]
    ) {
      const numbers = Array.from({ length: count }, (_, index) => from + index);
      for (const [name, sources] of asked)
        for (const number of numbers) {
          const form = formOf(name, number);
          names.push(form, ...[...sources].map((source) => claimOf(form, source)));
        }
      await this.#read(queries, kind, names.splice(0));
      for (const [name] of asked)
        for (const number of numbers)
          if (this.#byName.has(formOf(name, number))) this.#numbers.set(name, number);
      asked = asked.filter(([name]) => this.#numbers.get(name) === from + count - 1);
      if (asked.length === 0) return;
    }
  }

  async #read(queries: Queries, kind: Database["kind"], names: readonly string[]): Promise<void> {
    const keys = await store.keysOf(queries, kind, names);
    const unread = [...new Set(keys.values())].filter((key) => !this.#byName.has(key));
    for (const stored of (await store.entriesOf(queries, unread)).values())
      this.#keep({ entry: stored, before: [stored], names: [stored.call.key] });
    for (const [name, key] of keys) {
      this.#keys.set(name, key);
      const call = this.#byName.get(key);
      if (call !== undefined) this.#name(call, name);
    }
  }

  add(entry: Entry): void {
    const names = namesOf(entry);
    const isAlike = names.some(isLikeness);
    const alike = isAlike ? names.filter(isLikeness) : [];
    const certain = isAlike ? names.filter((name) => !isLikeness(name)) : names;
    const named = this.#known(certain);
    const sure = named.length === 0 ? [] : oneOf(named.filter((call) => isSame(call, entry)));
    const known = sure.length > 0 ? sure : this.#alike(alike, entry);
    if (known.length === 0 && entry.call.settles === true) return;
    // What is in the ledger gives the call its key.
    if (known.length > 1) known.sort((a, b) => b.before.length - a.before.length);
    const [first, ...others] = known;
    if (first === undefined) {
      const call: Call = { entry, before: [], names: certain };
      this.#keep(call);
      this.#claim(call, alike, entry);
      return;
    }
    for (const other of others) {
      first.entry = merge(first.entry, other.entry);
      first.before.push(...other.before);
      for (const name of other.names) this.#name(first, name);
      this.#calls.delete(other);
    }
    first.entry = merge(first.entry, entry);
    for (const name of certain) this.#name(first, name);
    this.#claim(first, alike, entry);
  }

  /** The first call that matches an entry, and that its source has not reported yet. */
  #alike(names: readonly string[], entry: Entry): Call[] {
    const { source } = entry.call.subject;
    for (const name of names)
      for (let number = 1; number <= (this.#numbers.get(name) ?? 0); number += 1) {
        const form = formOf(name, number);
        const call = this.#byName.get(form);
        if (call !== undefined && !this.#byName.has(claimOf(form, source)) && isSame(call, entry))
          return [call];
      }
    return [];
  }

  /** Takes note that an entry's source has told of a call: under the number that it has, or the next one. */
  #claim(call: Call, names: readonly string[], { call: { subject } }: Entry): void {
    for (const name of names) {
      const highest = this.#numbers.get(name) ?? 0;
      let number = 1;
      while (number <= highest && this.#byName.get(formOf(name, number)) !== call) number += 1;
      if (number > mostAlike) continue;
      const form = formOf(name, number);
      this.#numbers.set(name, Math.max(number, highest));
      this.#name(call, form);
      this.#name(call, claimOf(form, subject.source));
    }
  }

  /** Calls that are new, and those that are known better than they stand. */
  sorted(): { fresh: Call[]; better: Call[] } {
    const calls = [...this.#calls];
    return {
      fresh: calls.filter(({ before }) => before.length === 0),
      better: calls.filter(({ entry, before }) => before.length > 1 || (before[0] ?? entry) !== entry),
    };
  }

  /** Names that the ledger does not know yet, beside the keys of calls. */
  aliases(): store.Alias[] {
    const aliases: store.Alias[] = [];
    for (const { entry, names } of this.#calls)
      for (const alias of names)
        if (alias !== entry.call.key && !this.#keys.has(alias) && this.#byName.get(alias)?.entry === entry)
          aliases.push({ alias, key: entry.call.key, at: entry.call.at });
    return aliases;
  }

  /** Calls that have one of these names. */
  #known(names: readonly string[]): readonly Call[] {
    let known: Call[] | null = null;
    for (const name of names) {
      const call = this.#byName.get(name);
      if (call === undefined) continue;
      if (known === null) known = [call];
      else if (!known.includes(call)) known.push(call);
    }
    return known ?? none;
  }

  #keep(call: Call): void {
    this.#calls.add(call);
    // A name that another call has already stays with that one.
    for (const name of call.names) if (!this.#byName.has(name)) this.#byName.set(name, call);
  }

  #name(call: Call, name: string): void {
    if (!call.names.includes(name)) call.names.push(name);
    this.#byName.set(name, call);
  }
}

/** Ids of the subjects of entries; `keep` remembers them, once they are committed. */
async function subjectsOf({ queries, subjects }: Writing, entries: readonly Entry[]) {
  const unknown = new Map<string, CallSubject>();
  const texts = new Map<CallSubject, string>();
  for (const { call } of entries) {
    const { subject } = call;
    if (subjects.get(subject) !== undefined || texts.has(subject)) continue;
    const said = subjectText(subject);
    texts.set(subject, said);
    if (subjects.find(said) === undefined) unknown.set(said, subject);
  }
  const made = unknown.size === 0 ? new Map<string, number>() : await store.subjectIds(queries, unknown);
  const idOf = (said: string): number => subjects.find(said) ?? made.get(said) ?? -1;
  return {
    of(subject: CallSubject): number {
      const known = subjects.get(subject);
      if (known !== undefined) return known;
      return idOf(texts.get(subject) ?? subjectText(subject));
    },
    keep(): void {
      for (const [subject, said] of texts) subjects.keep(subject, said, idOf(said));
    },
  };
}
