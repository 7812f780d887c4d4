import type { DebianSource } from '@ict/fixtures';
import { ict } from './ict.js';
import { realBuild } from './real-build.js';

/** Packages of the real archive, fetched into the cache of the run's real build, which has most of them. */
export async function debianSource(run: string): Promise<DebianSource> {
  const { places } = await realBuild(run);
  const succeed = async (args: readonly string[]): Promise<void> => {
    const result = await ict([...args, '--work-dir', places.work, '--temp-dir', places.temporary]);
    if (result.status !== 0) throw new Error(`ict ${args[0]} exited ${result.status}:\n${result.stderr.slice(-4000)}`);
  };
  return { ict: succeed, cacheDirectory: places.cache };
}
