/*
 * `npm run quickstart -- --rpm`, once the workspace is built: makes the rpm test distribution, or takes the one of an earlier run, serves it
 * on the loopback interface, and builds its template from there. Arguments are flags of `ict build`.
 */
import { execFileSync } from 'node:child_process';
import { join, relative, resolve } from 'node:path';
import { BOOTABLE_DIRECTORY, BOOTABLE_TEMPLATE, bootableArchive, bootableFlags, serveArchive } from '@ict/fixtures';
import { fetchingFlags } from './fetching-flags.mjs';
import { BootstrapError, root, runNode, say } from './run.mjs';

const ICT = join(root, 'packages/cli/bin/ict.js');

function usualCache() {
  return execFileSync(process.execPath, [ICT, 'config', 'get', 'cache_dir'], { encoding: 'utf8' }).trim();
}

async function main(flags) {
  const ict = (args) => runNode(process.execPath, [ICT, ...args]);
  const { cacheDirectory, others } = fetchingFlags(flags);
  const archive = await bootableArchive({
    ict,
    cacheDirectory: resolve(root, cacheDirectory ?? usualCache()),
    flags: others,
    directory: BOOTABLE_DIRECTORY,
    say,
  });
  const server = await serveArchive(archive.repository);
  try {
    const template = relative(root, BOOTABLE_TEMPLATE);
    say(`Building ${template} from ${relative(root, archive.repository)}`);
    await ict(['build', template, ...bootableFlags(archive, server.url), ...flags]);
  } finally {
    await server.close();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BootstrapError)) throw error;
  console.error(`\nerror: ${error.message}`);
  process.exitCode = error.status;
}
