import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import {
  CircleDollarSign,
  GitPullRequestArrow,
  House,
  KeyRound,
  type LucideIcon,
  MessagesSquare,
  RefreshCw,
  ScrollText,
  Server,
  Users,
} from "lucide-react";

export type PageEntry = {
  to: "/" | "/assistant" | "/changes" | "/cycles" | "/servers" | "/keys" | "/costs" | "/audit" | "/access";
  label: MessageDescriptor;
  icon: LucideIcon;
};

/** The pages of the console, in the order in which they are shown. */
export const pages: readonly PageEntry[] = [
  { to: "/", label: msg`Home`, icon: House },
  { to: "/assistant", label: msg`Assistant`, icon: MessagesSquare },
  { to: "/changes", label: msg`Changes`, icon: GitPullRequestArrow },
  { to: "/cycles", label: msg`Cycles`, icon: RefreshCw },
  { to: "/servers", label: msg`Servers`, icon: Server },
  { to: "/keys", label: msg`Keys`, icon: KeyRound },
  { to: "/costs", label: msg`Costs`, icon: CircleDollarSign },
  { to: "/audit", label: msg`Audit`, icon: ScrollText },
  { to: "/access", label: msg`Access`, icon: Users },
];
