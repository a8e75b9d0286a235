"use client";

import { type LucideIcon, Moon, Plus, Sun, User } from "lucide-react";
import { useRouter } from "next/navigation";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { graphql } from "@/lib/graphql";
import { setTheme } from "@/lib/theme";
import { customerPath } from "@/lib/url";
import { useLive } from "@/lib/use-live";
import { useRefusal } from "@/lib/viewer";
import { useEnvironment } from "./environment";
import { PLACES } from "./nav";

const FIND = graphql(`
  query FindCustomers($text: String!) {
    customers(first: 6, filter: { text: $text }) {
      nodes { entityId name email }
    }
  }
`);

interface Entry {
  key: string;
  label: string;
  detail?: string;
  icon: LucideIcon;
  act: () => void;
}

const TYPING_MS = 150;

export function Palette({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const entries = useEntries(text, onClose);
  const at = Math.min(chosen, Math.max(0, entries.length - 1));
  // Closed while it is still there: a dialog that is gone gives the focus back to nobody.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  useEffect(() => {
    document.getElementById(`palette-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && entries.length) setChosen((at + step + entries.length) % entries.length);
    else if (event.key === "Enter") entries[at]?.act();
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does what a click beside the dialog does.
    <dialog
      ref={ref}
      aria-label="Search or act"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === ref.current && onClose()}
      className="mx-auto mt-[12dvh] mb-auto w-[calc(100%-2rem)] max-w-xl overflow-hidden rounded-xl border bg-surface p-0 text-ink shadow-high"
    >
      <input
        autoFocus
        role="combobox"
        aria-label="Search customers, pages and actions"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={entries.length ? `palette-${at}` : undefined}
        value={text}
        maxLength={128}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
        placeholder="A customer, a page, an action"
        className="h-12 w-full border-b bg-transparent px-4 text-base outline-none placeholder:text-faint"
      />
      <div id="palette-list" role="listbox" aria-label="Results" className="max-h-[50dvh] overflow-y-auto p-1.5">
        {entries.map(({ key, label, detail, icon: Icon, act }, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input above handles the keys
          <div
            key={key}
            id={`palette-${place}`}
            role="option"
            tabIndex={-1}
            aria-selected={place === at}
            onClick={act}
            onMouseMove={() => setChosen(place)}
            className="flex min-h-9 cursor-pointer items-center gap-3 rounded-md px-2.5 text-sm aria-selected:bg-accent-soft aria-selected:text-accent"
          >
            <Icon aria-hidden className="size-4 shrink-0 text-faint" />
            <span className="truncate font-medium">{label}</span>
            {detail ? <span className="ml-auto truncate pl-3 text-xs text-muted">{detail}</span> : null}
          </div>
        ))}
      </div>
      {entries.length ? null : (
        <p role="status" className="px-4 pb-6 text-center text-sm text-muted">
          Nothing is called that.
        </p>
      )}
    </dialog>
  );
}

function useEntries(text: string, onClose: () => void): Entry[] {
  const router = useRouter();
  const sandbox = useEnvironment()?.mode === "SANDBOX";
  const wanted = useRested(text.trim());
  const { data } = useLive(FIND, { text: wanted }, { concerns: () => false });
  const mayOnboard = useRefusal("onboard") === null;
  const go = (href: string) => () => {
    router.push(href);
    onClose();
  };
  const act = (what: () => void) => () => {
    what();
    onClose();
  };
  const fixed: Entry[] = [
    ...(mayOnboard
      ? [{ key: "new", label: "New customer", detail: "Action", icon: Plus, act: go("/customers/new/") }]
      : []),
    ...PLACES.filter((place) => sandbox || !place.sandboxOnly).map((place) => ({
      key: place.href,
      label: place.label,
      detail: "Page",
      icon: place.icon,
      act: go(place.href),
    })),
    { key: "dark", label: "Dark colours", detail: "Action", icon: Moon, act: act(() => setTheme("dark")) },
    { key: "light", label: "Light colours", detail: "Action", icon: Sun, act: act(() => setTheme("light")) },
  ];
  const said = text.trim().toLowerCase();
  // What is there may still be the answer to what was typed before.
  const known = (data?.customers.nodes ?? []).filter((customer) =>
    [customer.name, customer.entityId, customer.email].some((each) => each.toLowerCase().includes(said)),
  );
  const found = known.map((customer) => ({
    key: `customer:${customer.entityId}`,
    label: customer.name,
    detail: customer.entityId,
    icon: User,
    act: go(customerPath(customer.entityId)),
  }));
  const matching = fixed.filter((entry) => entry.label.toLowerCase().includes(said));
  return [...matching, ...found];
}

function useRested(value: string): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}
