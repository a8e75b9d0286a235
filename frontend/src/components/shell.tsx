"use client";

import { Menu, Search, X } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Provider } from "urql";
import { client } from "@/lib/client";
import { signedOut } from "@/lib/session";
import { useStore } from "@/lib/store";
import { Account } from "./account";
import { IconButton } from "./button";
import { ConnectionIndicator, Heartbeat, OfflineBanner } from "./connection";
import { EnvironmentChip, EnvironmentProvider, useEnvironment } from "./environment";
import { PLACES } from "./nav";
import { Palette } from "./palette";
import { SignIn } from "./sign-in";
import { ThemeSwitch } from "./theme-switch";
import { Toasts } from "./toast";
import { ViewerProvider } from "./viewer";

export function Shell({ children }: { children: ReactNode }) {
  return (
    <Provider value={client()}>
      <Inside>{children}</Inside>
    </Provider>
  );
}

function Inside({ children }: { children: ReactNode }) {
  if (useStore(signedOut, false)) return <SignIn />;
  return (
    <ViewerProvider>
      <EnvironmentProvider>
        <Heartbeat />
        <Frame>{children}</Frame>
        <Toasts />
      </EnvironmentProvider>
    </ViewerProvider>
  );
}

function Frame({ children }: { children: ReactNode }) {
  const [searching, setSearching] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setSearching((open) => !open);
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <div className="min-h-dvh lg:pl-52">
      <a
        href="#main"
        className="sr-only z-50 rounded bg-accent-fill px-3 py-2 text-white focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <aside className="fixed inset-y-0 left-0 hidden w-52 flex-col border-r bg-surface lg:flex">
        <Brand />
        <Navigation />
        <Footer />
      </aside>
      <header className="sticky top-0 z-20 flex h-13 items-center gap-2 border-b bg-surface/95 px-3 backdrop-blur sm:px-5">
        <Drawer />
        <button
          type="button"
          onClick={() => setSearching(true)}
          aria-keyshortcuts="Control+K"
          className="flex h-8 min-w-0 flex-1 items-center gap-2 rounded-md border bg-bg px-2.5 text-sm text-faint hover:border-line-strong sm:max-w-72"
        >
          <Search aria-hidden className="size-4 shrink-0" />
          <span className="truncate">Search or act…</span>
          <kbd aria-hidden className="ml-auto hidden rounded border bg-surface px-1 font-sans text-2xs sm:inline">
            Ctrl K
          </kbd>
        </button>
        <div className="ml-auto flex items-center gap-2 sm:gap-3">
          <EnvironmentChip />
          <ConnectionIndicator />
          <ThemeSwitch />
        </div>
      </header>
      <OfflineBanner />
      <main id="main" className="mx-auto max-w-[90rem] px-3 py-5 sm:px-5 lg:px-7">
        {children}
      </main>
      {searching ? <Palette onClose={() => setSearching(false)} /> : null}
    </div>
  );
}

function Brand() {
  return (
    <Link
      href="/"
      prefetch={false}
      className="flex h-13 items-center gap-2.5 border-b px-4 font-semibold tracking-tight"
    >
      <svg aria-hidden viewBox="0 0 24 24" className="size-6">
        <rect width="24" height="24" rx="6" fill="var(--accent-fill)" />
        <path d="M6 16.5V11m4 5.5V7.5m4 9V12m4 4.5V9" stroke="white" strokeWidth="2" strokeLinecap="round" />
      </svg>
      Billing
    </Link>
  );
}

function Navigation({ onGo }: { onGo?: () => void }) {
  const path = usePathname();
  const sandbox = useEnvironment()?.mode === "SANDBOX";
  return (
    <nav aria-label="Main" className="flex flex-col gap-0.5 p-2">
      {PLACES.filter((place) => sandbox || !place.sandboxOnly).map(({ href, label, icon: Icon }) => {
        const here = href === "/" ? path === "/" : path.startsWith(href.slice(0, -1));
        return (
          <Link
            key={href}
            href={href}
            prefetch={false}
            onClick={onGo}
            aria-current={here ? "page" : undefined}
            className="flex min-h-8 items-center gap-2.5 rounded-md px-2.5 text-sm text-muted hover:bg-bg hover:text-ink aria-[current]:bg-accent-soft aria-[current]:font-medium aria-[current]:text-accent"
          >
            <Icon aria-hidden className="size-4" />
            {label}
          </Link>
        );
      })}
    </nav>
  );
}

function Footer() {
  return (
    <div className="mt-auto border-t p-2">
      <a
        href="/graphql"
        className="flex min-h-8 items-center gap-2.5 rounded-md px-2.5 text-sm text-muted hover:bg-bg hover:text-ink"
      >
        <span aria-hidden className="w-4 text-center font-mono text-xs">
          {"{}"}
        </span>
        GraphiQL
      </a>
      <Account />
    </div>
  );
}

function Drawer() {
  const ref = useRef<HTMLDialogElement>(null);
  const close = () => ref.current?.close();
  return (
    <>
      <IconButton label="Menu" className="lg:hidden" onClick={() => ref.current?.showModal()}>
        <Menu aria-hidden className="size-5" />
      </IconButton>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Escape does what a click beside the drawer does. */}
      <dialog
        ref={ref}
        aria-label="Menu"
        onClick={(event) => event.target === ref.current && close()}
        className="m-0 h-dvh max-h-dvh w-64 border-r bg-surface p-0 text-ink shadow-high open:flex open:flex-col"
      >
        <div className="flex items-center justify-between border-b pr-2 [&>a]:border-0">
          <Brand />
          <IconButton label="Close menu" onClick={close}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </div>
        <Navigation onGo={close} />
        <Footer />
      </dialog>
    </>
  );
}
