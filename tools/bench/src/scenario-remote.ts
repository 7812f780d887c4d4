import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RemoteCacheServer, serveArchive } from '@ict/fixtures';
import { alternate, type Contender } from './alternation.js';
import { ictBuild, requirePrograms } from './builders.js';
import { withFile } from './local-definition.js';
import { makeLocalArchive } from './local-archive.js';
import { measure } from './measurement.js';
import type { Scenario } from './scenario.js';
import { ICT } from './workspace.js';

/**
 * Builds on a machine that has nothing, with a remote cache on the loopback interface that has the image, or all but what one more file changes;
 * what uploading costs the one that made it; and the same build without any remote cache.
 */
export const remote: Scenario = async (options) => {
  await requirePrograms([]);
  const { directory, putAway } = options;
  const archive = await makeLocalArchive(options);
  const [packages, results] = await Promise.all([serveArchive(archive.root), RemoteCacheServer.start(join(directory, 'results'))]);
  const variants = join(directory, 'remote');
  const key = join(variants, 'key');
  await putAway(variants);
  await mkdir(variants, { recursive: true });
  await measure({ argv: [ICT, 'cache', 'keygen', key] });
  const oneMoreFile = join(variants, 'file.yml');
  await writeFile(join(variants, 'added'), 'one more file\n');
  await writeFile(oneMoreFile, withFile(await readFile(archive.template, 'utf8'), 'added'));
  const uploads = { ICT_REMOTE_CACHE_UPLOAD_URL: results.url, ICT_REMOTE_CACHE_SIGNING_KEY: key };
  const asks = { ICT_REMOTE_CACHE_URLS: results.url, ICT_REMOTE_CACHE_TRUSTED_KEYS: `${key}.pub` };
  const run = join(directory, 'run');
  const onNewMachine = (
    name: string,
    template: string,
    env: Readonly<Record<string, string>>,
    before?: () => Promise<void>,
  ): Contender => ({
    name: `ict build, nothing cached, ${name}`,
    command: { ...ictBuild({ ...archive, template }, run, packages.url), env },
    prepare: async () => {
      await before?.();
      await putAway(run);
      await mkdir(run, { recursive: true });
    },
  });
  try {
    const compared = await alternate(
      [
        onNewMachine('which uploads its results', archive.template, uploads, async () => {
          await putAway(results.directory);
          await mkdir(results.directory, { recursive: true });
        }),
        onNewMachine('the remote cache has the image', archive.template, asks),
        onNewMachine('one more file than the remote cache knows', oneMoreFile, asks),
        onNewMachine('no remote cache', archive.template, {}),
      ],
      options.runs ?? 3,
      options.onRun,
    );
    return [{ title: 'A machine that has nothing', results: compared }];
  } finally {
    await Promise.all([packages.close(), results.stop()]);
  }
};
