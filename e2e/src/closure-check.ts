import { compareDebVersions } from '@ict/provider-deb';

/** A package of an index, as plain text: nothing of the product's own parsers is used. */
export interface PlainStanza {
  readonly name: string;
  readonly version: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Reads an index the simple way, by name; of several stanzas of a name the highest version. */
export function readPlainly(text: string): ReadonlyMap<string, PlainStanza> {
  const found = new Map<string, PlainStanza>();
  for (const block of text.split(/\n\n+/)) {
    const fields = Object.fromEntries([...block.matchAll(/^([A-Za-z-]+): *(.*(?:\n[ \t].*)*)/gm)].map(([, name, value]) => [name, value]));
    const { Package: name, Version: version } = fields as { Package?: string; Version?: string };
    if (name === undefined || version === undefined) continue;
    const known = found.get(name);
    if (known === undefined || compareDebVersions(version, known.version) > 0) found.set(name, { name, version, fields });
  }
  return found;
}

interface Wish {
  readonly name: string;
  readonly operator?: string;
  readonly version?: string;
}

/**
 * Every broken relation among packages that are to be installed together, as a line; none when they fit. Depends, Pre-Depends, Conflicts
 * and Breaks, with Provides, of one architecture.
 */
export function brokenRelations(chosen: readonly PlainStanza[]): readonly string[] {
  const offers = new Map<string, { readonly by: string; readonly version: string | undefined }[]>();
  const offer = (name: string, by: string, version: string | undefined): void => {
    offers.set(name, [...(offers.get(name) ?? []), { by, version }]);
  };
  for (const { name, version, fields } of chosen) {
    offer(name, name, version);
    for (const [wish] of groups(fields['Provides'])) if (wish !== undefined) offer(wish.name, name, wish.version);
  }
  const meeting = (wish: Wish): readonly string[] =>
    (offers.get(wish.name) ?? []).filter(({ version }) => satisfies(version, wish)).map(({ by }) => by);
  return chosen.flatMap(({ name, fields }) => [
    ...[...groups(fields['Depends']), ...groups(fields['Pre-Depends'])]
      .filter((group) => group.every((wish) => meeting(wish).length === 0))
      .map((group) => `${name} needs ${group.map((wish) => wish.name).join(' | ')}`),
    ...[...groups(fields['Conflicts']), ...groups(fields['Breaks'])]
      .flat()
      .flatMap((wish) => meeting(wish).filter((by) => by !== name))
      .map((by) => `${name} excludes ${by}`),
  ]);
}

function groups(text: string | undefined): readonly (readonly Wish[])[] {
  if (text === undefined) return [];
  return text.split(',').map((group) =>
    group.split('|').map((part): Wish => {
      const [, name = '', operator, version] = /^\s*([^\s:([]+)(?::\S+)?\s*(?:\(\s*([<>=]+)\s*([^\s)]+)\s*\))?/.exec(part) ?? [];
      return operator === undefined || version === undefined ? { name } : { name, operator, version };
    }),
  );
}

function satisfies(version: string | undefined, { operator, version: wanted }: Wish): boolean {
  if (operator === undefined || wanted === undefined) return true;
  if (version === undefined) return false;
  const order = compareDebVersions(version, wanted);
  return { '<<': order < 0, '<=': order <= 0, '=': order === 0, '>=': order >= 0, '>>': order > 0 }[operator] ?? false;
}
