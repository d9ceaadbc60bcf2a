/**
 * Tabs of one browser share the session's cookie. When somebody signs in or out in one, a tab
 * that shows another person's view would go on with the wrong eyes; it is told, and reloads.
 */
const channel = new BroadcastChannel("ciclo.identity");

/** Tells the other tabs who is signed in now; null for nobody. */
export const announceIdentity = (userId: string | null): void => channel.postMessage(userId);

/** Calls back when another tab has signed somebody in or out. Returns what stops it. */
export function onIdentity(listener: (userId: string | null) => void): () => void {
  const hear = ({ data }: MessageEvent<string | null>): void => listener(data);
  channel.addEventListener("message", hear);
  return () => channel.removeEventListener("message", hear);
}
