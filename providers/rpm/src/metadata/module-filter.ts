import type { ModuleBuild, Modules } from './modules.js';
import type { PackagesIndex } from './packages-index.js';

const NEVRA = /^(.+)-(\d+:[^-]+-[^-]+\.([^.-]+))$/;
const SOURCE = 'src';

/** Parts of the name of an artifact. */
interface Artifact {
  readonly name: string;
  /** Which package of that name it is: `epoch:version-release.arch`. */
  readonly build: string;
}

/** Why modules hide a package. Streams are written as people ask for them, `module:stream`. */
export interface HidingModule {
  /** Streams that have it and do not count; empty for a package that is of no module. */
  readonly streams: readonly string[];
  /** The stream that counts and is another one of the same module, or has a package of a name that this one has or provides. */
  readonly instead: string | undefined;
  /** That name; undefined for a package of a stream. */
  readonly name?: string;
}

/**
 * The packages of a repository that modules hide, as dnf does: those of streams that do not count, and, where a stream that counts has a
 * package of a name, all others of that name or that provide it.
 *
 * @returns why, by their places in the index.
 */
export function hiddenByModules(
  index: PackagesIndex,
  { builds }: Modules,
  active: ReadonlySet<ModuleBuild>,
): ReadonlyMap<number, HidingModule> {
  const shown = new Set<number>();
  const hidden = new Map<number, HidingModule>();
  const names = new Map<string, string>();
  const placeOf = placesIn(index);
  const counting = new Map(Array.from(active, (build) => [build.name, streamOf(build)]));
  for (const build of builds) {
    for (const artifact of build.artifacts) {
      const parts = parseArtifact(artifact);
      if (parts === undefined) continue;
      const at = placeOf(parts);
      if (at !== undefined) {
        if (active.has(build)) shown.add(at);
        else hidden.set(at, { streams: withStream(hidden.get(at)?.streams, build), instead: counting.get(build.name) });
      }
      if (active.has(build) && !build.demodularized.includes(parts.name)) names.set(parts.name, streamOf(build));
    }
  }
  for (const [name, instead] of names) {
    const hide = (at: number): void => {
      if (!hidden.has(at)) hidden.set(at, { streams: [], instead, name });
    };
    for (const at of index.byName(name)) hide(at);
    for (const at of index.providersOf(name)) hide(at);
  }
  for (const at of shown) hidden.delete(at);
  return hidden;
}

function streamOf({ name, stream }: ModuleBuild): string {
  return `${name}:${stream}`;
}

function withStream(streams: readonly string[] = [], build: ModuleBuild): readonly string[] {
  const stream = streamOf(build);
  return streams.includes(stream) ? streams : [...streams, stream];
}

/** @returns undefined for a source package, which is not installed. */
function parseArtifact(text: string): Artifact | undefined {
  const [, name, build, arch] = NEVRA.exec(text) ?? [];
  return name === undefined || build === undefined || arch === SOURCE ? undefined : { name, build };
}

/** Finds the places of artifacts. The packages of a name are looked through once, however many artifacts have it. */
function placesIn(index: PackagesIndex): (artifact: Artifact) => number | undefined {
  const places = new Map<string, ReadonlyMap<string, number>>();
  return ({ name, build }) => {
    let builds = places.get(name);
    if (builds === undefined) places.set(name, (builds = buildsOf(index, name)));
    return builds.get(build);
  };
}

function buildsOf(index: PackagesIndex, name: string): ReadonlyMap<string, number> {
  const builds = new Map<string, number>();
  for (const at of index.byName(name)) {
    const { epoch, version, release } = index.evr(at);
    const build = `${epoch}:${version}-${release}.${index.arch(at)}`;
    if (!builds.has(build)) builds.set(build, at);
  }
  return builds;
}
