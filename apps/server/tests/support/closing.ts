/** What test support has opened for the test file that runs. Files share a process, so no module closes for itself. */
const open: (() => unknown)[] = [];

/** Closes something when the test file has ended, what was opened last first. */
export const whenFileEnds = (close: () => unknown): void => {
  open.push(close);
};

export async function closeAll(): Promise<void> {
  for (let close = open.pop(); close !== undefined; close = open.pop()) await close();
}
