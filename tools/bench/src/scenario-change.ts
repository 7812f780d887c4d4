import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { serveArchive } from '@ict/fixtures';
import { alternate, type Contender } from './alternation.js';
import { ictBuild, mmdebstrap, requirePrograms } from './builders.js';
import { withFile, withPackage } from './local-definition.js';
import { ADDED_PACKAGE, makeLocalArchive } from './local-archive.js';
import { measure } from './measurement.js';
import type { Scenario } from './scenario.js';

/** Whether an event says that the filesystem of the partition `root` is whole. Its EFI partition is written at the same time. */
function rootWritten(line: string): boolean {
  const { type, artifact, action } = JSON.parse(line) as { readonly type?: string; readonly artifact?: string; readonly action?: string };
  return type === 'image.progress' && artifact === 'root' && action === 'ext4 filesystem written';
}

/** After a build, the same with one more file, and with one more package; mmdebstrap starts from nothing, as it keeps nothing. */
export const change: Scenario = async (options) => {
  await requirePrograms();
  const archive = await makeLocalArchive(options);
  const server = await serveArchive(archive.root);
  const run = join(options.directory, 'change');
  const template = await readFile(archive.template, 'utf8');
  const variants = { file: join(run, 'file.yml'), package: join(run, 'package.yml') };
  const build = (chosen: string) => ictBuild({ ...archive, template: chosen }, run, server.url);
  /** A fresh build of the unchanged template: a variant must not hit what its own last run left. */
  const built = async (): Promise<void> => {
    await options.putAway(run);
    await mkdir(dirname(variants.file), { recursive: true });
    await writeFile(join(run, 'added'), 'one more file\n');
    await writeFile(variants.file, withFile(template, 'added'));
    await writeFile(variants.package, withPackage(template, ADDED_PACKAGE));
    await measure(build(archive.template));
  };
  const whole = (what: string, chosen: string): Contender => ({
    name: `ict build, ${what}, to the finished disk`,
    command: build(chosen),
    milestone: { name: `ict build, ${what}, to the root filesystem`, reached: rootWritten },
    prepare: built,
  });
  try {
    const results = await alternate(
      [
        whole('one more file', variants.file),
        whole('one more package', variants.package),
        mmdebstrap(archive, join(options.directory, 'peer'), server.url, options.putAway),
      ],
      options.runs ?? 3,
      options.onRun,
    );
    return [{ title: 'One change after a build', results }];
  } finally {
    await server.close();
  }
};
