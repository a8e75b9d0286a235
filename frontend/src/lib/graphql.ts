import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./graphql-env.d.ts";

/** Documents are typed from the committed SDL: a field that is renamed there fails the check here. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: {
    DateTime: string;
    Date: string;
    BigInt: number;
    JSON: Record<string, string>;
  };
}>();

export type { FragmentOf, ResultOf, VariablesOf } from "gql.tada";

type RootFieldsOf<Name extends keyof introspection["types"]> = introspection["types"][Name] extends {
  fields: infer Fields;
}
  ? keyof Fields
  : never;

/** What a caller may use or not. */
export type RootField = RootFieldsOf<"Query"> | RootFieldsOf<"Mutation"> | RootFieldsOf<"Live">;
