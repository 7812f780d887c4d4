import { compareDebVersions } from '@ict/provider-deb';

/** A package of an index, as plain text: nothing of the product's own parsers is used. */
export interface PlainStanza {
  readonly name: string;
  readonly version: string;
  /** The architecture whose needs it has: amd64 for packages of `all`. */
  readonly arch: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Reads an index of amd64 or with others the simple way, by `name:arch`; of several stanzas of one the highest version. */
export function readPlainly(text: string): ReadonlyMap<string, PlainStanza> {
  const found = new Map<string, PlainStanza>();
  for (const block of text.split(/\n\n+/)) {
    const fields = Object.fromEntries([...block.matchAll(/^([A-Za-z-]+): *(.*(?:\n[ \t].*)*)/gm)].map(([, name, value]) => [name, value]));
    const {
      Package: name,
      Version: version,
      Architecture: listed,
    } = fields as { Package?: string; Version?: string; Architecture?: string };
    if (name === undefined || version === undefined || listed === undefined) continue;
    const arch = listed === 'all' ? 'amd64' : listed;
    const known = found.get(`${name}:${arch}`);
    if (known === undefined || compareDebVersions(version, known.version) > 0)
      found.set(`${name}:${arch}`, { name, version, arch, fields });
  }
  return found;
}

interface Wish {
  readonly name: string;
  /** What follows a colon after the name. */
  readonly of?: string;
  readonly operator?: string;
  readonly version?: string;
}

/**
 * Every broken relation among packages that are to be installed together, as a line; none when they fit. Depends, Pre-Depends, Conflicts
 * and Breaks, with Provides, and what Multi-Arch says of packages of several architectures.
 */
export function brokenRelations(chosen: readonly PlainStanza[]): readonly string[] {
  const offers = new Map<string, { readonly by: PlainStanza; readonly version: string | undefined }[]>();
  const offer = (name: string, by: PlainStanza, version: string | undefined): void => {
    offers.set(name, [...(offers.get(name) ?? []), { by, version }]);
  };
  for (const stanza of chosen) {
    offer(stanza.name, stanza, stanza.version);
    for (const [wish] of groups(stanza.fields['Provides'])) if (wish !== undefined) offer(wish.name, stanza, wish.version);
  }
  const meeting = (wish: Wish): readonly PlainStanza[] =>
    (offers.get(wish.name) ?? []).filter(({ version }) => satisfies(version, wish)).map(({ by }) => by);
  return chosen.flatMap((stanza) => [
    ...[...groups(stanza.fields['Depends']), ...groups(stanza.fields['Pre-Depends'])]
      .filter((group) => group.every((wish) => !meeting(wish).some((other) => serves(other, wish, stanza.arch))))
      .map((group) => `${stanza.name} needs ${group.map((wish) => wish.name).join(' | ')}`),
    ...[...groups(stanza.fields['Conflicts']), ...groups(stanza.fields['Breaks'])]
      .flat()
      .flatMap((wish) => meeting(wish).filter(({ arch }) => wish.of === undefined || wish.of === 'any' || wish.of === arch))
      .filter((other) => other.name !== stanza.name)
      .map((other) => `${stanza.name} excludes ${other.name}`),
    ...chosen
      .filter((other) => other !== stanza && other.name === stanza.name && !areTwins(other, stanza))
      .map(({ name, arch }) => `${name} is there for ${arch}, too`),
  ]);
}

/** Whether a package serves one of an architecture that asks for it in this way. */
function serves({ arch, fields }: PlainStanza, { of }: Wish, by: string): boolean {
  if (of === undefined) return arch === by || fields['Multi-Arch'] === 'foreign';
  return of === 'any' ? fields['Multi-Arch'] === 'allowed' : arch === (of === 'native' ? 'amd64' : of);
}

/** Whether two packages of a name may be there together. */
function areTwins(a: PlainStanza, b: PlainStanza): boolean {
  return [a, b].every(({ fields }) => fields['Multi-Arch'] === 'same') && a.version === b.version;
}

function groups(text: string | undefined): readonly (readonly Wish[])[] {
  if (text === undefined) return [];
  return text.split(',').map((group) =>
    group.split('|').map((part): Wish => {
      const [, name = '', of, operator, version] = /^\s*([^\s:([]+)(?::(\S+))?\s*(?:\(\s*([<>=]+)\s*([^\s)]+)\s*\))?/.exec(part) ?? [];
      const wish = of === undefined ? { name } : { name, of };
      return operator === undefined || version === undefined ? wish : { ...wish, operator, version };
    }),
  );
}

function satisfies(version: string | undefined, { operator, version: wanted }: Wish): boolean {
  if (operator === undefined || wanted === undefined) return true;
  if (version === undefined) return false;
  const order = compareDebVersions(version, wanted);
  return { '<<': order < 0, '<=': order <= 0, '=': order === 0, '>=': order >= 0, '>>': order > 0 }[operator] ?? false;
}
