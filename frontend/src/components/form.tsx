"use client";

import { Search } from "lucide-react";
import { type ComponentProps, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { words } from "@/lib/format";

const CONTROL =
  "min-h-9 w-full rounded-md border border-line-strong bg-surface px-2.5 text-sm text-ink placeholder:text-faint hover:border-faint aria-invalid:border-bad disabled:bg-raised disabled:text-faint";

/** A label, its control, a hint, and what is wrong with it, tied together for everybody. */
export function Field({
  label,
  hint,
  problem,
  children,
}: {
  label: string;
  hint?: ReactNode;
  problem?: string | null;
  children: (wiring: { id: string; "aria-describedby": string; "aria-invalid": boolean }) => ReactNode;
}) {
  const id = useId();
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      {children({ id, "aria-describedby": `${id}-hint`, "aria-invalid": Boolean(problem) })}
      <p id={`${id}-hint`} className="mt-1 min-h-0 text-xs [overflow-wrap:anywhere]">
        {problem ? (
          <span className="text-bad">{problem}</span>
        ) : hint ? (
          <span className="text-faint">{hint}</span>
        ) : null}
      </p>
    </div>
  );
}

export function TextInput({ className = "", ...rest }: ComponentProps<"input">) {
  return <input type="text" autoComplete="off" spellCheck={false} {...rest} className={`${CONTROL} ${className}`} />;
}

export function Select({ className = "", ...rest }: ComponentProps<"select">) {
  return <select {...rest} className={`${CONTROL} pr-7 ${className}`} />;
}

export interface Choice<T extends string> {
  value: T;
  label: string;
}

/** One of a few: all are seen at once. */
export function Segmented<T extends string>({
  legend,
  value,
  choices,
  onChange,
}: {
  legend: string;
  value: T;
  choices: readonly Choice<T>[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="min-w-0">
      <legend className="sr-only">{legend}</legend>
      <div className="inline-flex max-w-full flex-wrap gap-0.5 rounded-md border bg-bg p-0.5">
        {choices.map((choice) => (
          <label
            key={choice.value}
            className="cursor-pointer rounded px-2.5 py-1 text-sm text-muted has-checked:bg-surface has-checked:font-medium has-checked:text-ink has-checked:shadow-[0_1px_2px_rgb(0_0_0/12%)] has-focus-visible:outline-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name={name}
              className="sr-only"
              checked={choice.value === value}
              onChange={() => onChange(choice.value)}
            />
            {choice.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** A filter that is off, or one of its values. */
export function choices<T extends string>(values: readonly T[]): Choice<T>[] {
  return values.map((value) => ({ value, label: words(value) }));
}

export function FilterSelect<T extends string>({
  label,
  value,
  choices,
  onChange,
  none = `${label}: all`,
}: {
  label: string;
  value: string;
  choices: readonly Choice<T>[];
  onChange: (value: T | null) => void;
  none?: string;
}) {
  return (
    <Select
      aria-label={label}
      value={value}
      onChange={(event) => onChange((event.target.value || null) as T | null)}
      className="!w-auto max-w-full"
    >
      <option value="">{none}</option>
      {choices.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {choice.label}
        </option>
      ))}
    </Select>
  );
}

const TYPING_MS = 250;

/** Tells what was typed once typing rests. */
export function SearchInput({
  label,
  value,
  onChange,
  placeholder,
}: {
  label: string;
  value: string;
  onChange: (text: string) => void;
  placeholder: string;
}) {
  const [text, setText] = useState(value);
  const told = useRef(value);
  useEffect(() => {
    // Changed from outside, as by the back button.
    if (value !== told.current) {
      told.current = value;
      setText(value);
    }
  }, [value]);
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  useEffect(() => {
    if (text === told.current) return;
    const timer = setTimeout(() => {
      told.current = text;
      latest.current(text);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div className="relative min-w-0 flex-1 basis-56">
      <Search aria-hidden className="pointer-events-none absolute top-2.5 left-2.5 size-4 text-faint" />
      <input
        type="search"
        aria-label={label}
        placeholder={placeholder}
        value={text}
        maxLength={128}
        onChange={(event) => setText(event.target.value)}
        className={`${CONTROL} pl-8`}
      />
    </div>
  );
}
