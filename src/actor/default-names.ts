/*
 * What an actor type's names are when its author gives but its own: the same for whoever runs it, publishes to it and
 * consumes from it. Nothing is imported here, so that a contract can be shared on its own.
 */

type CamelCase<Text extends string> = Text extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Text;

/** The field that carries an actor's id: `insuranceClaimId` of `insurance-claim`. */
export type DefaultIdField<Name extends string> = `${CamelCase<Name>}Id`;

/** The decision type that takes a decision back: `InsuranceClaimDecisionWithdrawn` of `insurance-claim`. */
export type DefaultWithdrawn<Name extends string> = `${Capitalize<CamelCase<Name>>}DecisionWithdrawn`;

/** @returns the plural of a name: `claims`, `boxes`, `deliveries`. English is not always so regular: `collection` says it. */
export function collectionOf(name: string): string {
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}

export function idFieldOf<Name extends string>(name: Name): DefaultIdField<Name> {
  return `${camelCase(name)}Id` as DefaultIdField<Name>;
}

export function withdrawnOf<Name extends string>(name: Name): DefaultWithdrawn<Name> {
  const camel = camelCase(name);
  return `${camel.slice(0, 1).toUpperCase()}${camel.slice(1)}DecisionWithdrawn` as DefaultWithdrawn<Name>;
}

function camelCase(name: string): string {
  return name.replace(/-+(.?)/g, (_, letter: string) => letter.toUpperCase());
}
