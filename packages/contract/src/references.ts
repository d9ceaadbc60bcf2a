/** `secret:<provider>/<NAME>` within a configured value: at its end, and once. */
const reference = /secret:[a-z0-9][a-z0-9-]*\/[A-Za-z0-9_.-]+$/;
const mention = /secret:/gi;

/** A configured value that takes a stored key: what stands before the key, and its reference. */
export type ReferenceUse = { before: string; reference: string };

/** The reference of a value such as `Bearer secret:hub/TOKEN` or `--token=secret:hub/TOKEN`; null where there is none. */
export function referenceIn(value: string): ReferenceUse | null {
  const found = reference.exec(value);
  return found === null ? null : { before: value.slice(0, found.index), reference: found[0] };
}

/** Whether a value mentions a stored key where none would be put: it would be sent as it is written. */
export function hasLooseReference(value: string): boolean {
  const mentions = value.match(mention)?.length ?? 0;
  return mentions > (referenceIn(value) === null ? 0 : 1);
}

/** The value with the key in its place, exactly as it is stored. */
export const withKey = ({ before }: ReferenceUse, key: string): string => before + key;
