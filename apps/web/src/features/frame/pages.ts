import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { GitPullRequestArrow, House, type LucideIcon, MessagesSquare, ScrollText, Users } from "lucide-react";

export type PageEntry = {
  to: "/" | "/assistant" | "/changes" | "/audit" | "/access";
  label: MessageDescriptor;
  icon: LucideIcon;
};

/** The pages of the console, in the order in which they are shown. */
export const pages: readonly PageEntry[] = [
  { to: "/", label: msg`Home`, icon: House },
  { to: "/assistant", label: msg`Assistant`, icon: MessagesSquare },
  { to: "/changes", label: msg`Changes`, icon: GitPullRequestArrow },
  { to: "/audit", label: msg`Audit`, icon: ScrollText },
  { to: "/access", label: msg`Access`, icon: Users },
];
