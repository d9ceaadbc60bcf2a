export const cycleTabs = ["proof", "spec", "plan", "diff", "logs", "history"] as const;
export type CycleTab = (typeof cycleTabs)[number];
