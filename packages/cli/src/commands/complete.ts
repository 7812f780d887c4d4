import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CompletionKind } from '../tool-commands.js';
import { withEngine } from '../engine-session.js';
import type { GlobalFlags } from '../flag-types.js';
import { entriesOf, lookAtCaches } from '../open-cache.js';
import type { Session } from '../session.js';
import { resolveSettings, type Settings } from '../settings.js';
import { shippedTemplates } from '../shipped-templates.js';
import { shortId } from '../views/cache-entry-text.js';

/** What is being completed. */
export interface Completing {
  readonly prefix: string | undefined;
  /** The template or target whose packages are meant. */
  readonly about: string | undefined;
}

/**
 * `ict complete`, for completion scripts: distributions, shipped templates, disks of images that were built here, ids of kept images, or
 * names of packages. Nothing is fetched.
 */
export async function complete(
  session: Session,
  kind: CompletionKind,
  { prefix = '', about }: Completing,
  flags: GlobalFlags,
): Promise<void> {
  const words = (await wordsOf(session, kind, about, flags)).filter((word) => word.startsWith(prefix));
  session.document({ words });
  session.result(words.map((word) => `${word}\n`).join(''));
}

async function wordsOf(session: Session, kind: CompletionKind, about: string | undefined, flags: GlobalFlags): Promise<readonly string[]> {
  const settings = { ...flags, hostMirrors: false, offline: true };
  if (kind === 'packages' || kind === 'locked-packages') {
    if (!about) return [];
    const of = /\.ya?ml$/.test(about) ? { template: resolve(session.surroundings.cwd, about) } : { target: about };
    const { all, locked } = await withEngine(session, settings, (engine) => engine.packageNames(of), unlogged);
    return kind === 'locked-packages' && locked.length > 0 ? locked : all;
  }
  if (kind === 'templates') return (await shippedTemplates()).map(({ name }) => name);
  if (kind === 'distributions') {
    const definitions = await withEngine(session, settings, async (engine) => engine.distributions(), unlogged);
    return definitions.map(({ dist }) => dist).sort();
  }
  const { engine } = await resolveSettings(session.surroundings, settings);
  const unseen = (): void => undefined; // what cannot be looked at completes nothing
  const kept = await entriesOf(await lookAtCaches(engine, unseen), unseen, ['image']);
  if (kind === 'kept-images') return [...new Set(kept.map(shortId))].sort();
  return [...(await builtImages(engine.workDir)), ...(await Promise.all(kept.map(({ path }) => disksIn(path)))).flat().sort()];
}

/** A key that is pressed replaces no log of a build. */
async function unlogged(settings: Settings): Promise<Settings> {
  return { ...settings, logFile: undefined };
}

/** Disks that builds left in the work directory: `TARGET/imagebuild/NAME/FILE`. */
async function builtImages(workDir: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const target of await below(workDir)) {
    for (const build of await below(join(target, 'imagebuild'))) found.push(...(await disksIn(build)));
  }
  return found;
}

async function disksIn(directory: string): Promise<readonly string[]> {
  return (await below(directory)).filter((file) => /\.(?:raw|qcow2)$/.test(file));
}

/** What a directory holds, sorted; nothing when there is none. */
async function below(directory: string): Promise<readonly string[]> {
  return readdir(directory).then(
    (names) => names.sort().map((name) => join(directory, name)),
    () => [],
  );
}
