/** Memory of this process that is resident, in bytes. */
export const residentBytes = (): number => process.memoryUsage.rss();

/** Processor time that this process has taken, in seconds. */
export function processorSeconds(): { user: number; system: number } {
  const { user, system } = process.cpuUsage();
  return { user: user / 1e6, system: system / 1e6 };
}
