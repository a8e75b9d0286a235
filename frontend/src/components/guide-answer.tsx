"use client";

import { Status } from "./status";

export interface GuideAnswer {
  step: number;
  ok: boolean;
  text: string;
}

export function AnswerBox({ answer }: { answer: GuideAnswer }) {
  return (
    <div className="mt-3 overflow-hidden rounded-md border" role="status">
      <div className="flex items-center gap-2 border-b bg-raised px-3 py-1.5 text-xs text-muted">
        Answer <Status value={answer.ok ? "DONE" : "REFUSED"} />
      </div>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="max-h-64 overflow-auto bg-bg p-3 font-mono text-xs leading-5"
      >
        {answer.text}
      </pre>
    </div>
  );
}
