/** Schema of one line or block of text. Every key of our schemas carries a description and examples: editors show both. */
export const text = (description: string, ...examples: readonly string[]) => ({ type: 'string', description, examples }) as const;

/** Schema of text that must match a named format; `format.ts` has ours. */
export const formatted = <const F extends string>(format: F, description: string, ...examples: readonly string[]) =>
  ({ type: 'string', format, description, examples }) as const;

/** Schema of an IPv4 or IPv6 address, by the names that editors know. */
export const ipAddress = { type: 'string', anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] } as const;

/** Schema of text that is one of a few words. */
export const oneOf = <const V extends readonly string[]>(values: V, description: string, ...examples: readonly V[number][]) =>
  ({ type: 'string', enum: values, description, examples }) as const;

/** Schema of `true` or `false`. */
export const flag = (description: string, ...examples: readonly boolean[]) => ({ type: 'boolean', description, examples }) as const;

/** Schema of a list of non-empty texts. */
export const texts = (description: string, ...examples: readonly (readonly string[])[]) =>
  ({ type: 'array', items: { type: 'string', minLength: 1 }, description, examples }) as const;

/** Schema of a list of packages. */
export const packageTexts = (description: string, ...examples: readonly (readonly string[])[]) =>
  ({ type: 'array', items: { type: 'string', format: 'package' }, description, examples }) as const;

/** Schema of a list of fingerprints of OpenPGP keys. */
export const fingerprintTexts = (description: string, ...examples: readonly (readonly string[])[]) =>
  ({ type: 'array', items: { type: 'string', format: 'fingerprint' }, description, examples }) as const;

/** Schema of a whole number between two bounds, both included. */
export const integer = (minimum: number, maximum: number, description: string, ...examples: readonly number[]) =>
  ({ type: 'integer', minimum, maximum, description, examples }) as const;

/** The schema of a key that may be left out: what counts then. The engine reads the value here. */
export const withDefault = <const D, const S extends object>(value: D, schema: S): S & { readonly default: D } => ({
  ...schema,
  default: value,
});
