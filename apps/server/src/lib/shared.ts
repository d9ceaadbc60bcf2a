/**
 * One object for one key, so that what comes of it is looked up and kept by the object: tables of objects that each stand
 * for one call grow, and outlive the calls. All are forgotten once there are more than so many.
 */
export class Shared<V> {
  readonly #byKey = new Map<string, V>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  of(key: string, make: () => V): V {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= this.#most) this.#byKey.clear();
    const made = make();
    this.#byKey.set(key, made);
    return made;
  }
}
