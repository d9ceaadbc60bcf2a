/** Parts of a change's evidence, as they stand in its address. */
export const changeTabs = ["diff", "plan", "audit"] as const;
export type ChangeTab = (typeof changeTabs)[number];
