import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BuildOptions } from '@ict/core';
import { ensureDirectory } from '@ict/integrity';
import { buildSummary } from '../views/build-summary.js';
import { cliError } from '../errors.js';
import { withEngine } from '../engine-session.js';
import { giveToInvoker } from '../invoker.js';
import { claimDirectory } from '../private-directory.js';
import { withRemoteCaches } from '../remote-caches.js';
import type { BuildFlags } from '../image-commands.js';
import type { Session } from '../session.js';
import type { Settings } from '../settings.js';

/** `ict build` */
export async function build(session: Session, template: string, flags: BuildFlags): Promise<void> {
  const { surroundings, terminal } = session;
  const { lock, frozen, output, cache, auditCache, packageCache, imageCache, layerCache, remoteCache } = flags;
  if (!cache && output === undefined) {
    throw cliError('ICT_CLI_USAGE', {
      message: '--no-cache needs --output: the temporary work directory is removed when the build ends',
      hint: 'Add --output DIR.',
    });
  }
  const options: BuildOptions = {
    ...(lock === undefined ? {} : { lock: resolve(surroundings.cwd, lock) }),
    ...(frozen === undefined ? {} : { frozen }),
    ...(output === undefined ? {} : { output: resolve(surroundings.cwd, output) }),
    ...(auditCache === undefined ? {} : { audit: { percent: auditCache === true ? 100 : auditCache, random: Math.random } }),
    caches: {
      ...(packageCache === undefined ? {} : { packages: packageCache }),
      ...(imageCache === undefined ? {} : { images: imageCache }),
      ...(layerCache === undefined ? {} : { layers: layerCache }),
      ...(remoteCache === undefined ? {} : { remote: remoteCache }),
    },
  };
  const directories = new TemporaryDirectories();
  const prepare = async (settings: Settings): Promise<Settings> => {
    if (settings.defaultWorkDirectory) await claimDirectory(settings.engine.workDir, surroundings.uid);
    if (!cache) return directories.make(settings);
    return remoteCache === false ? settings : withRemoteCaches(settings);
  };
  const start = performance.now();
  try {
    const report = await withEngine(session, flags, (engine) => engine.build(template, options), prepare);
    await giveToInvoker([...report.artifacts.map((artifact) => artifact.path), ...report.documents, report.lock], surroundings);
    session.result(buildSummary(report, performance.now() - start, terminal));
  } finally {
    await directories.remove();
  }
}

/** A cache and a work directory for one build, on the file system of the usual work directory. */
class TemporaryDirectories {
  private directory: string | undefined;

  async make(settings: Settings): Promise<Settings> {
    const { workDir } = settings.engine;
    ensureDirectory(workDir);
    const directory = await mkdtemp(join(workDir, 'no-cache-'));
    this.directory = directory;
    const inside = (name: string): string => join(directory, name);
    return {
      ...settings,
      engine: {
        ...settings.engine,
        cacheDir: inside('cache'),
        readOnlyCacheDirs: [],
        workDir: inside('work'),
        temporaryDir: inside('temporary'),
      },
    };
  }

  async remove(): Promise<void> {
    if (this.directory !== undefined) await rm(this.directory, { recursive: true, force: true });
  }
}
