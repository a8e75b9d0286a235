import type { UserError } from "@/lib/verb";
import { Problem } from "./states";

export function Problems({ errors }: { errors: UserError[] }) {
  if (!errors.length) return null;
  return (
    <div className="mb-4">
      <Problem title={errors.length === 1 ? "That was refused" : "These were refused"}>
        <ul className={errors.length > 1 ? "list-disc pl-4" : ""}>
          {errors.map((error) => (
            <li key={`${error.code}${error.field}`}>{error.message}</li>
          ))}
        </ul>
      </Problem>
    </div>
  );
}

export function Warnings({ warnings }: { warnings: { code: string; message: string }[] }) {
  if (!warnings.length) return null;
  return (
    <ul className="space-y-1">
      {warnings.map((warning) => (
        <li
          key={warning.code + warning.message}
          className="rounded-md bg-warn-soft px-3 py-2 text-sm text-warn [overflow-wrap:anywhere]"
        >
          {warning.message}
        </li>
      ))}
    </ul>
  );
}
