import { randomFillSync } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSandbox } from '@ict/sandbox';
import { alternate, type Contender } from './alternation.js';
import { nodeOfIct } from './node-of-ict.js';
import type { Scenario } from './scenario.js';

const FILES = 20_000;
/** Of each file, on average: together 500 MB. */
const AVERAGE_BYTES = 25_000;
const FILES_OF_DIRECTORY = 50;

/** `$1` is the directory, `$2` the snapshot: a gzip that holds its bytes uncompressed. */
const PEER_SCRIPT = `set -e; mkdir -p "$1"; tar -xzf "$2" -C "$1"; find "$1" -type f -exec sha256sum {} + > /dev/null`;

/** A base tree of 500 MB from its snapshot, every file of it verified, against `tar -x` and `sha256sum` of its files. */
export const restore: Scenario = async ({ runs, directory, putAway, onRun, say }) => {
  const made = join(directory, 'restore');
  await putAway(made);
  say(`making ${FILES} files`);
  const tree = join(made, 'tree');
  await makeTree(tree);
  const snapshot = join(made, 'snapshot.tar.gz');
  const digest = await takeSnapshot(tree, snapshot, made);
  const program = fileURLToPath(new URL('./restore-base.js', import.meta.url));
  const fresh = (name: string, argv: (place: string) => readonly string[]): Contender => {
    const place = join(made, name);
    return { name, command: { argv: argv(place) }, prepare: () => putAway(place) };
  };
  const results = await alternate(
    [
      fresh('ict', (place) => [...nodeOfIct(), program, snapshot, place, digest]),
      fresh('tar -x, then sha256sum', (place) => ['bash', '-c', PEER_SCRIPT, 'bash', place, snapshot]),
    ],
    runs ?? 5,
    onRun,
  );
  return [{ title: `A base tree of ${(FILES * AVERAGE_BYTES) / 1e6} MB from its snapshot, verified`, results }];
};

/** Files between nothing and twice the average, without anything that compresses. */
async function makeTree(tree: string): Promise<void> {
  const noise = randomFillSync(Buffer.allocUnsafe(2 * AVERAGE_BYTES + FILES));
  for (let file = 0; file < FILES; file++) {
    const parent = join(tree, String(Math.floor(file / FILES_OF_DIRECTORY)));
    if (file % FILES_OF_DIRECTORY === 0) await mkdir(parent, { recursive: true });
    await writeFile(join(parent, String(file)), noise.subarray(file, file + Math.round((2 * AVERAGE_BYTES * file) / FILES)));
  }
}

async function takeSnapshot(tree: string, snapshot: string, directory: string): Promise<string> {
  const temporary = await mkdtemp(join(directory, 'temporary-'));
  const sandbox = await startSandbox({ signal: new AbortController().signal, temporary });
  try {
    return (await sandbox.sealLayer(tree, { epochSeconds: 0, archive: snapshot })).digest;
  } finally {
    await sandbox.close();
  }
}
