import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompletionKind } from '../authoring-commands.js';
import { withEngine } from '../engine-session.js';
import type { GlobalFlags } from '../flags.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { shippedTemplates } from '../shipped-templates.js';

/** `ict complete`, for completion scripts: distributions, shipped templates, or images that were built here. */
export async function complete(session: Session, kind: CompletionKind, flags: GlobalFlags): Promise<void> {
  const words = await wordsOf(session, kind, flags);
  session.document({ words });
  session.result(words.map((word) => `${word}\n`).join(''));
}

async function wordsOf(session: Session, kind: CompletionKind, flags: GlobalFlags): Promise<readonly string[]> {
  const settings = { ...flags, hostMirrors: false };
  if (kind === 'templates') return (await shippedTemplates()).map(({ name }) => name);
  if (kind === 'distributions') {
    const definitions = await withEngine(session, settings, async (engine) => engine.distributions());
    return definitions.map(({ dist }) => dist).sort();
  }
  return builtImages((await resolveSettings(session.surroundings, settings)).engine.workDir);
}

/** Disks that builds left in the work directory: `TARGET/imagebuild/NAME/FILE`. */
async function builtImages(workDir: string): Promise<readonly string[]> {
  const below = async (directory: string): Promise<readonly string[]> =>
    readdir(directory).then(
      (names) => names.sort().map((name) => join(directory, name)),
      () => [],
    );
  const found: string[] = [];
  for (const target of await below(workDir)) {
    for (const build of await below(join(target, 'imagebuild'))) {
      found.push(...(await below(build)).filter((file) => /\.(?:raw|qcow2)$/.test(file)));
    }
  }
  return found;
}
