import type { Permission, Role } from "@ciclo/contract";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";

/** Roles keep their names, which the API, the command line and policies use; this says what they are for. */
export const roleHints: Record<Role, MessageDescriptor> = {
  viewer: msg`Reads everything and asks the assistant`,
  planner: msg`Plans changes and submits them`,
  approver: msg`Decides approvals, rolls back and rotates keys`,
  admin: msg`Manages users, tokens and roles`,
};

export const permissionLabels: Record<Permission, MessageDescriptor> = {
  read: msg`Read configuration, changes and audit log`,
  chat: msg`Talk to the assistant`,
  plan: msg`Plan changes`,
  submit: msg`Submit plans for approval`,
  decide: msg`Approve and reject`,
  rollback: msg`Roll back`,
  operate: msg`Probe and restart servers`,
  add_key: msg`Store keys`,
  rotate_key: msg`Rotate and revoke keys`,
  manage_access: msg`Manage users, tokens and roles`,
};
