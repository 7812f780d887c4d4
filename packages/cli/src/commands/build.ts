import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildSummary } from '../build-summary.js';
import { cliError } from '../errors.js';
import { withEngine } from '../engine-session.js';
import { giveToInvoker } from '../ownership.js';
import { claimDirectory } from '../private-directory.js';
import type { BuildFlags } from '../program.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';

/** `ict build` */
export async function build(session: Session, template: string, flags: BuildFlags): Promise<void> {
  const { cache, lock, frozen, output } = flags;
  const options = {
    ...(lock === undefined ? {} : { lock: resolve(session.surroundings.cwd, lock) }),
    ...(frozen === undefined ? {} : { frozen }),
    ...(output === undefined ? {} : { output: resolve(session.surroundings.cwd, output) }),
  };
  const run = async (engineFlags: BuildFlags): Promise<void> => {
    const start = performance.now();
    const report = await withEngine(session, engineFlags, (engine) => engine.build(template, options));
    await giveToInvoker([...report.artifacts.map((artifact) => artifact.path), ...report.documents], session.surroundings);
    session.result(buildSummary(report, performance.now() - start, session.terminal));
  };
  const { workDir } = await resolveSettings(session.surroundings, flags);
  if (workDir.origin === 'default') await claimDirectory(workDir.value, session.surroundings.uid);
  if (cache) return run(flags);
  if (output === undefined) {
    throw cliError('ICT_CLI_USAGE', {
      message: '--no-cache needs --output: the temporary work directory is removed when the build ends',
      hint: 'Add --output DIR.',
    });
  }
  return withTemporaryDirectories(workDir.value, flags, run);
}

/** Runs a build with a cache and a work directory of its own, on the file system of the usual work directory. */
async function withTemporaryDirectories(workDir: string, flags: BuildFlags, run: (flags: BuildFlags) => Promise<void>): Promise<void> {
  await mkdir(workDir, { recursive: true });
  const directory = await mkdtemp(join(workDir, 'no-cache-'));
  try {
    await run({ ...flags, cacheDir: join(directory, 'cache'), workDir: join(directory, 'work'), tempDir: join(directory, 'temporary') });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
