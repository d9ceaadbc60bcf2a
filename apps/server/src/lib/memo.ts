/** Remembers the last `capacity` results by key. A promise that fails is forgotten. */
export class Memo<K, V> {
  readonly #values = new Map<K, V>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: K, make: () => V): V {
    const known = this.#values.get(key);
    if (known !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, known);
      return known;
    }
    const value = make();
    this.#values.set(key, value);
    if (value instanceof Promise) value.catch(() => this.#values.delete(key));
    if (this.#values.size > this.#capacity) this.#values.delete(this.#values.keys().next().value as K);
    return value;
  }

  clear(): void {
    this.#values.clear();
  }
}
