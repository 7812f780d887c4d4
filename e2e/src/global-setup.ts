import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Directory of this run; removed afterwards. */
    run: string;
  }
}

/** Gives the run a directory of its own, that every user may enter. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = await mkdtemp(join(tmpdir(), 'ict-e2e-'));
  await chmod(run, 0o755);
  project.provide('run', run);
  return () => rm(run, { recursive: true, force: true });
}
