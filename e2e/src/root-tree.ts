import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Copies the files of an image's root partition, the second one, to a new directory. Extended attributes stay behind.
 *
 * @returns the directory.
 */
export async function rootTree(image: string, tree: string): Promise<string> {
  const table = JSON.parse((await run('sfdisk', ['--json', image])).stdout) as {
    readonly partitiontable: { readonly partitions: readonly { readonly start: number }[] };
  };
  const filesystem = `${image}?offset=${(table.partitiontable.partitions[1]?.start ?? 0) * 512}`;
  await mkdir(tree);
  await run('debugfs', ['-R', `rdump / ${tree}`, filesystem]);
  // What it copies has no bits for set-user-ID, set-group-ID and sticky.
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
  const requests = `${tree}.debugfs`;
  await writeFile(requests, paths.map((path) => `stat "${path.slice(tree.length)}"\n`).join(''));
  const { stdout } = await run('debugfs', ['-f', requests, filesystem], { maxBuffer: MAX_OUTPUT_BYTES });
  const modes = [...stdout.matchAll(/^Inode: .* Mode: +(\d+) /gm)].map(([, mode]) => Number.parseInt(mode ?? '', 8));
  if (modes.length !== paths.length) throw new Error(`debugfs knows ${modes.length} of ${paths.length} paths`);
  for (const [index, path] of paths.entries()) if ((modes[index] as number) > 0o777) await chmod(path, modes[index] as number);
  return tree;
}
