import { randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alternate } from './alternation.js';
import { nodeOfIct } from './node-of-ict.js';
import type { Scenario } from './scenario.js';

const MIB = 1024 * 1024;
/** Large enough that starting Node and its worker is a small part. */
const FILE_MIB = 2048;

/** One worker of the verification pool against `openssl dgst -sha256`, over one file that is in memory. */
export const hash: Scenario = async ({ runs, directory, onRun, say }) => {
  const file = join(directory, 'to-hash');
  say(`writing ${FILE_MIB} MiB`);
  await writeNoise(file);
  const worker = fileURLToPath(new URL('./hash-file.js', import.meta.url));
  const results = await alternate(
    [
      { name: 'one worker of ict', command: { argv: [...nodeOfIct(), worker, file] } },
      { name: 'openssl dgst -sha256', command: { argv: ['openssl', 'dgst', '-sha256', file] } },
    ],
    runs ?? 7,
    onRun,
  );
  return [{ title: `SHA-256 of ${FILE_MIB} MiB`, results }];
};

async function writeNoise(path: string): Promise<void> {
  const piece = randomFillSync(Buffer.allocUnsafe(MIB));
  await using file = await open(path, 'w');
  for (let written = 0; written < FILE_MIB; written++) {
    piece.writeUInt32LE(written, 0);
    await file.write(piece);
  }
}
