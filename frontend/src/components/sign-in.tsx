"use client";

import { type FormEvent, useEffect, useState } from "react";
import { isLetIn, signIn } from "@/lib/session";
import { Button } from "./button";
import { Field, TextInput } from "./form";

/** In place of every page while nobody is signed in; afterwards the page that was wanted is there. */
export function SignIn() {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    void isLetIn().then((letIn) => letIn && location.reload());
  }, []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const refused = await signIn(key.trim());
    if (refused === null) return location.reload();
    setProblem(refused);
    setBusy(false);
  };
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <form onSubmit={submit} className="w-full max-w-sm rounded-xl border bg-surface p-6 shadow-card">
        <svg aria-hidden viewBox="0 0 24 24" className="mb-4 size-9">
          <rect width="24" height="24" rx="6" fill="var(--accent-fill)" />
          <path d="M6 16.5V11m4 5.5V7.5m4 9V12m4 4.5V9" stroke="white" strokeWidth="2" strokeLinecap="round" />
        </svg>
        <h1 className="text-lg font-semibold tracking-tight">Sign in</h1>
        <p className="mt-1 mb-4 text-sm text-muted">
          With an API key. You may do here what the key may do; every step is noted under its name.
        </p>
        <Field label="API key" hint="It begins with bk_, and is kept nowhere." problem={problem}>
          {(wiring) => (
            <TextInput
              {...wiring}
              type="password"
              name="key"
              autoComplete="current-password"
              required
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
          )}
        </Field>
        <div className="mt-3 flex flex-col">
          <Button look="primary" type="submit" busy={busy} disabled={!key.trim()}>
            Sign in
          </Button>
        </div>
        <p className="mt-4 text-xs text-faint">
          An operator makes a key with <code className="font-mono">python -m app keys create</code>.
        </p>
      </form>
    </main>
  );
}
