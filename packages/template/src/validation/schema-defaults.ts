/** The parts of a JSON schema that lead to defaults. */
interface Node {
  readonly type?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

/**
 * A copy of valid data in which every key that is left out has the default that its schema names. A key without default stays away, and
 * with it all that it would contain.
 */
export function fillDefaults(schema: Node, data: unknown): unknown {
  const { properties, items } = schema;
  if (Array.isArray(data)) return items === undefined ? data : data.map((item) => fillDefaults(items, item));
  if (properties === undefined || typeof data !== 'object' || data === null) return data;
  const filled: Record<string, unknown> = { ...data };
  for (const [key, inner] of Object.entries(properties)) {
    const value = filled[key] ?? structuredClone(inner.default);
    if (value !== undefined) filled[key] = fillDefaults(inner, value);
  }
  return filled;
}
