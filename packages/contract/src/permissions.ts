export const roles = ["viewer", "planner", "approver", "admin"] as const;
export type Role = (typeof roles)[number];

/** Who may do what: any one of the listed roles suffices. */
export const permissions = {
  read: ["viewer", "planner", "approver", "admin"],
  chat: ["viewer", "planner", "approver", "admin"],
  plan: ["planner"],
  submit: ["planner"],
  decide: ["approver"],
  rollback: ["approver"],
  /** Probe a server, restart it. */
  operate: ["planner", "approver", "admin"],
  add_key: ["planner", "approver"],
  rotate_key: ["approver"],
  manage_access: ["admin"],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof permissions;

export const permits = (held: readonly Role[], permission: Permission): boolean =>
  (permissions[permission] as readonly Role[]).some((role) => held.includes(role));
