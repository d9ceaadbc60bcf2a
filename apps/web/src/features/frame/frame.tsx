import { useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { Link, type LinkProps } from "@tanstack/react-router";
import { LogOut, Menu as MenuIcon, PanelLeftClose, PanelLeftOpen, Search, UserRound } from "lucide-react";
import { type ReactNode, Suspense, useEffect, useState } from "react";
import { announceIdentity } from "../../identity.ts";
import { describeProblem } from "../../problems.ts";
import { recall, remember } from "../../storage.ts";
import { IconButton } from "../../ui/button.tsx";
import { cx } from "../../ui/cx.ts";
import { Menu } from "../../ui/menu.tsx";
import { Logo } from "../../ui/logo.tsx";
import { useToast } from "../../ui/toast.tsx";
import { endSession } from "../session/end-session.ts";
import { useSession } from "../session/session.tsx";
import { Bell } from "./bell.tsx";
import { ConnectionBar } from "./live.tsx";
import { pages } from "./pages.ts";
import { LanguageAndTheme } from "./preferences.tsx";
import { lazily } from "../../ui/lazily.ts";

const Palette = lazily(async () => (await import("./palette.tsx")).Palette);

/** Navigation on the left, search and status on top, a page in the middle. */
export function Frame({ children }: { children: ReactNode }) {
  const { t } = useLingui();
  const [isNarrow, setNarrow] = useState(() => recall("nav") === "narrow");
  const [isSearching, setSearching] = useState(false);
  usePaletteKey(() => setSearching(true));
  const fold = (): void => {
    remember("nav", isNarrow ? null : "narrow");
    setNarrow(!isNarrow);
  };
  return (
    <div className="flex min-h-dvh">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-60 focus:rounded-md focus:bg-raised focus:px-3 focus:py-2 focus:shadow-float"
      >
        {t`Skip to content`}
      </a>
      <nav
        aria-label={t`Main`}
        className={cx(
          "sticky top-0 hidden h-dvh shrink-0 flex-col border-r border-line bg-surface p-2 md:flex",
          isNarrow ? "w-14" : "w-52",
        )}
      >
        <Brand isNarrow={isNarrow} />
        <NavLinks isNarrow={isNarrow} />
        <IconButton label={isNarrow ? t`Widen navigation` : t`Narrow navigation`} onClick={fold}>
          {isNarrow ? <PanelLeftOpen size={18} aria-hidden /> : <PanelLeftClose size={18} aria-hidden />}
        </IconButton>
      </nav>
      <div className="flex min-w-0 grow flex-col">
        <TopBar onSearch={() => setSearching(true)} />
        <main id="content" tabIndex={-1} className="min-w-0 grow px-4 py-5 outline-none sm:px-6">
          <div className="mx-auto flex max-w-6xl flex-col gap-5">{children}</div>
        </main>
      </div>
      {isSearching ? (
        <Suspense>
          <Palette onClose={() => setSearching(false)} />
        </Suspense>
      ) : null}
    </div>
  );
}

function TopBar({ onSearch }: { onSearch(): void }) {
  const { t } = useLingui();
  const [isNavOpen, setNavOpen] = useState(false);
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-surface">
      <div className="flex h-14 items-center gap-1 px-3">
        <IconButton
          label={t`Navigation`}
          aria-expanded={isNavOpen}
          className="md:hidden"
          onClick={() => setNavOpen(!isNavOpen)}
        >
          <MenuIcon size={20} aria-hidden />
        </IconButton>
        <button
          type="button"
          onClick={onSearch}
          className="flex h-9 min-w-0 grow items-center gap-2 rounded-md border border-line bg-sunken px-2.5 text-left text-muted hover:border-line-strong sm:max-w-96"
        >
          <Search size={16} className="shrink-0" aria-hidden />
          <span className="truncate">{t`Search or go to…`}</span>
          <kbd className="ml-auto hidden rounded border border-line px-1.5 font-sans text-[0.85rem] sm:inline">
            {paletteKey}
          </kbd>
        </button>
        <div className="ml-auto flex items-center">
          <Bell />
          <LanguageAndTheme />
          <Account />
        </div>
      </div>
      {isNavOpen ? (
        <nav aria-label={t`Main`} className="border-t border-line p-2 md:hidden">
          <NavLinks isNarrow={false} onNavigate={() => setNavOpen(false)} />
        </nav>
      ) : null}
      <ConnectionBar />
    </header>
  );
}

function Brand({ isNarrow }: { isNarrow: boolean }) {
  return (
    <Link to="/" className="mb-3 flex items-center gap-2.5 px-2 py-2 text-text hover:no-underline">
      <Logo size={24} name={isNarrow ? "Ciclo" : ""} />
      {isNarrow ? null : <span className="text-[1.15rem] font-bold tracking-tight">Ciclo</span>}
    </Link>
  );
}

function NavLinks({ isNarrow, onNavigate }: { isNarrow: boolean; onNavigate?: () => void }) {
  const { i18n } = useLingui();
  return (
    <ul className="flex grow flex-col gap-0.5">
      {pages.map(({ to, label, icon: Icon }) => (
        <li key={to}>
          <NavLink to={to} onClick={onNavigate} activeOptions={{ exact: to === "/" }}>
            <Icon size={18} aria-hidden className="shrink-0" />
            <span className={isNarrow ? "sr-only" : undefined}>{i18n._(label)}</span>
          </NavLink>
        </li>
      ))}
    </ul>
  );
}

function NavLink({
  children,
  ...link
}: LinkProps & { onClick?: (() => void) | undefined; children: ReactNode }) {
  return (
    <Link
      {...link}
      className="flex min-h-9 items-center gap-2.5 rounded-md px-2.5 text-muted hover:bg-sunken hover:text-text hover:no-underline aria-[current=page]:bg-accent-soft aria-[current=page]:font-semibold aria-[current=page]:text-accent"
    >
      {children}
    </Link>
  );
}

function Account() {
  const { t } = useLingui();
  const { user } = useSession();
  const toast = useToast();
  const signOut = useMutation({
    mutationFn: endSession,
    onSuccess() {
      announceIdentity(null);
      // A whole new page: nothing of this person stays in memory.
      location.assign("/sign-in");
    },
    onError: (error) => toast(t`You are still signed in`, describeProblem(error, t).title),
  });
  return (
    <Menu
      trigger={
        <IconButton label={t`Account`}>
          <UserRound size={18} aria-hidden />
        </IconButton>
      }
      entries={[
        {
          kind: "text",
          content: (
            <>
              <p className="font-semibold wrap-anywhere">{user.name}</p>
              <p className="wrap-anywhere text-muted">{user.email}</p>
              <p className="text-muted">{user.roles.join(", ")}</p>
            </>
          ),
        },
        { kind: "separator" },
        {
          kind: "action",
          label: t`Sign out`,
          icon: <LogOut size={16} aria-hidden />,
          onSelect: () => signOut.mutate(),
        },
      ]}
    />
  );
}

const isApple = /Mac|iPhone|iPad/.test(navigator.userAgent);
const paletteKey = isApple ? "⌘ K" : "Ctrl K";

function usePaletteKey(open: () => void): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      // A dialog wants an answer first; toasts are dialogs that want none.
      if (document.querySelector("[role=dialog]:not([aria-modal=false])") === null) open();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, [open]);
}
