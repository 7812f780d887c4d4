import { rpmvercmp } from '../relations/evr.js';

/** What is taken of a module when nobody says. */
export interface ModuleDefaults {
  readonly name: string;
  readonly stream: string | undefined;
  /** Profiles, by stream. */
  readonly profiles: Readonly<Record<string, readonly string[]>>;
  /** Digits, the more the later it was written. */
  readonly modified: string;
}

/**
 * Joins what repositories say of the same modules, as dnf does: of what they say differently, the one that was written later counts; where
 * both are as old, none does.
 *
 * @param all in the order of the repositories; each says one thing of a module.
 */
export function joinDefaults(all: readonly ModuleDefaults[]): readonly ModuleDefaults[] {
  const joined = new Map<string, ModuleDefaults>();
  for (const defaults of all) {
    const before = joined.get(defaults.name);
    joined.set(defaults.name, before === undefined ? defaults : join(before, defaults));
  }
  return [...joined.values()];
}

function join(one: ModuleDefaults, other: ModuleDefaults): ModuleDefaults {
  const age = rpmvercmp(one.modified, other.modified);
  const chosen = <T>(a: T | undefined, b: T | undefined, isEqual: (a: T, b: T) => boolean): T | undefined => {
    if (a === undefined || b === undefined) return a ?? b;
    if (age !== 0) return age > 0 ? a : b;
    return isEqual(a, b) ? a : undefined;
  };
  const profiles = new Map<string, readonly string[]>();
  for (const stream of [...Object.keys(one.profiles), ...Object.keys(other.profiles)]) {
    const names = chosen(profilesOf(one, stream), profilesOf(other, stream), haveSame);
    if (names !== undefined) profiles.set(stream, names);
  }
  return {
    name: one.name,
    stream: chosen(one.stream, other.stream, (a, b) => a === b),
    profiles: Object.fromEntries(profiles),
    modified: age > 0 ? one.modified : other.modified,
  };
}

function profilesOf({ profiles }: ModuleDefaults, stream: string): readonly string[] | undefined {
  return Object.hasOwn(profiles, stream) ? profiles[stream] : undefined;
}

function haveSame(a: readonly string[], b: readonly string[]): boolean {
  return new Set([...a, ...b]).size === new Set(a).size && new Set(a).size === new Set(b).size;
}
